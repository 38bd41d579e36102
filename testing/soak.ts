/** How long soaks are: `HEAPWRIGHT_SOAK` times as long as usual. */
export const SOAK = Number(process.env.HEAPWRIGHT_SOAK) || 1;

/** Operations of one program; with fewer than `least` of them it would not come to all that is asked of it. */
export const operations = (usual: number, least = 0.1): number => Math.round(usual * Math.max(least, SOAK));

/** Programs of a property; never more of them, as these are to be short. */
export const programs = (usual: number): number => Math.max(3, Math.ceil(usual * Math.min(1, SOAK)));
