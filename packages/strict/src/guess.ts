/**
 * What bytes that should not be there look like: the quickest way to who wrote them is often what they say.
 */

/** The end of a sentence, beginning with a comma; empty where nothing comes to mind. `area` is where addresses would lie. */
export function guess(
  bytes: Uint8Array,
  area: { readonly areaStart: number; readonly areaEnd: number },
): string {
  const { length } = bytes;
  if (bytes.every((byte) => byte === 0)) {
    return length === 1 ? ", looks like a string terminator" : ", looks like zeroing that went too far";
  }
  if (length > 1 && bytes.every((byte) => byte === bytes[0])) {
    return `, looks like a fill with ${bytes[0].toString(16).padStart(2, "0")}`;
  }
  const text = printable(bytes);
  if (text !== "") return `, looks like the text ${JSON.stringify(text)}`;
  if (length < 3 || length > 8) return "";
  const padded = new Uint8Array(8);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  if (length > 4) {
    const double = view.getFloat64(0, true);
    return isPlain(double) ? `, looks like the number ${double}` : "";
  }
  const word = view.getUint32(0, true);
  if (word >= area.areaStart && word < area.areaEnd) return ", looks like an address in this heap";
  const float = view.getFloat32(0, true);
  if (isPlain(float)) return `, looks like the 32-bit float ${Number(float.toPrecision(7))}`;
  return word < 2 ** 24 || word >= 2 ** 32 - 2 ** 16 ? `, looks like the integer ${word | 0}` : "";
}

/** A number somebody may have computed, not just any bits. */
function isPlain(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) >= 1e-4 && Math.abs(value) < 1e7;
}

/** Text of at least three characters, perhaps with its terminator. */
function printable(bytes: Uint8Array): string {
  const end = bytes[bytes.length - 1] === 0 ? bytes.length - 1 : bytes.length;
  if (end < 3) return "";
  let text = "";
  for (let at = 0; at < end && at < 40; at++) {
    const byte = bytes[at];
    if (byte < 0x20 || byte >= 0x7f) return "";
    text += String.fromCharCode(byte);
  }
  return text;
}
