import { describe, expect, it } from "vitest";
import { HEAP_ERROR_CODES, HeapError, type HeapErrorCode } from "./index.js";

describe("HeapError", () => {
  it("is named after its code", () => {
    const names: Partial<Record<HeapErrorCode, string>> = {
      ERR_HEAP_OVERFLOW: "HeapOverflowError",
      ERR_COMPOSITION: "CompositionError",
      ERR_USE_AFTER_FREE: "UseAfterFreeError",
      ERR_DOUBLE_FREE: "DoubleFreeError",
    };
    for (const [code, name] of Object.entries(names)) {
      const error = new HeapError(code as HeapErrorCode, "text");
      expect(error.name).toBe(name);
      expect(String(error)).toBe(`${name} [${code}]: text`);
      expect(error.stack?.split("\n")[0]).toBe(`${name} [${code}]: text`);
      expect(error).toBeInstanceOf(Error);
    }
  });

  it("has a sentence for every code", () => {
    for (const [code, text] of Object.entries(HEAP_ERROR_CODES)) {
      expect(code).toMatch(/^ERR_[A-Z_]+$/);
      expect(text.length).toBeGreaterThan(5);
    }
  });

  it("has fields only where they apply, none of them the error's name", () => {
    const error = new HeapError("ERR_INVALID_POINTER", "text", { ptr: 16, hint: "so" });
    expect(Object.keys(error).sort()).toEqual(["code", "hint", "ptr"]);
    expect("bytes" in error).toBe(false);
  });

  it("becomes JSON with its bytes, causes and parts", () => {
    const part = new HeapError("ERR_DOUBLE_FREE", "part", { ptr: 32 });
    const bytes = { from: 1, to: 3, expected: new Uint8Array([1, 2]), actual: new Uint8Array([3, 4]) };
    const error = new HeapError("ERR_HEAP_CORRUPT", "all", {
      errors: [part, new Error("other")],
      bytes,
      cause: part,
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "HeapCorruptError",
      code: "ERR_HEAP_CORRUPT",
      message: "all",
      bytes: { from: 1, to: 3, expected: [1, 2], actual: [3, 4] },
      errors: [
        { name: "DoubleFreeError", code: "ERR_DOUBLE_FREE", message: "part", ptr: 32 },
        { name: "Error", message: "other" },
      ],
      cause: { name: "DoubleFreeError", code: "ERR_DOUBLE_FREE", message: "part", ptr: 32 },
    });
  });
});
