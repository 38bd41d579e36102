/** Programs as source text: what a failure prints can be pasted into a test. */
import type { Op, Program } from "./program.js";

/** A value as a TypeScript literal; what JSON cannot write (`NaN`, `-0`, infinities) included. */
export function literal(value: unknown): string {
  if (typeof value === "number") {
    if (Object.is(value, -0)) return "-0";
    for (const power of [32, 31]) {
      const distance = value - 2 ** power;
      if (distance === 0) return `2 ** ${power}`;
      if (Number.isInteger(distance) && Math.abs(distance) <= 4096) {
        return `2 ** ${power} ${distance < 0 ? "-" : "+"} ${Math.abs(distance)}`;
      }
    }
    return String(value);
  }
  if (typeof value === "bigint") return `${value}n`;
  if (value === undefined) return "undefined";
  return JSON.stringify(value) ?? String(value);
}

function formatOp(op: Op): string {
  const fields = Object.entries(op).map(([key, value]) => `${key}: ${literal(value)}`);
  return `{ ${fields.join(", ")} }`;
}

/** The operations, one a line, as elements of an array literal. */
export function formatProgram(program: Program, indent = ""): string {
  if (program.length === 1 && indent === "") return formatOp(program[0] as Op);
  return program.map((op) => `${indent}${formatOp(op)},`).join("\n");
}
