/**
 * The smallest region in which something completes. It is looked for by doubling the distance from where it cannot, then
 * by halving the gap: some twenty tries.
 *
 * That a larger region completes whenever a smaller one does is taken for granted. Where a heap breaks that by some bytes, the
 * answer is still a region that completes next to one that does not.
 */

/**
 * @param completes asked for multiples of `granule` only.
 * @param atLeast no smaller region can complete.
 * @param atMost where to give up.
 * @returns the bytes, or undefined where not even `atMost` is enough.
 */
export async function smallestRegion(
  completes: (bytes: number) => Promise<boolean>,
  atLeast: number,
  atMost: number,
  granule: number,
): Promise<number | undefined> {
  const first = Math.max(1, Math.ceil(atLeast / granule));
  const last = Math.floor(atMost / granule);
  let fails = first - 1;
  let works = first;
  for (let gap = Math.max(1, first >> 7); !(await completes(works * granule)); gap *= 2) {
    if (works >= last) return undefined;
    fails = works;
    works = Math.min(works + gap, last);
  }
  while (works - fails > 1) {
    const middle = (works + fails) >> 1;
    if (await completes(middle * granule)) works = middle;
    else fails = middle;
  }
  return works * granule;
}
