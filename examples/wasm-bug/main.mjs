// A C program that works, until its allocator looks closer. `words.c` imports malloc; what is under it is decided here.
import { readFileSync } from "node:fs";
import { createHeap } from "heapwright";
import { formatReport, strict } from "heapwright/strict";
import { guestRegion, mallocImports } from "heapwright/wasm";

const TEXT = "The cat sat on the mat. Whatever the internationalization says, the cat sat.";

/** Counts the words of the text, with these plugins under C's malloc. */
function countWords(plugins, onError) {
  const { imports, bind } = mallocImports({ onError });
  const module = new WebAssembly.Module(readFileSync(new URL("words.wasm", import.meta.url)));
  const { exports } = new WebAssembly.Instance(module, imports);
  const heap = createHeap({ ...guestRegion(exports), plugins, name: "words" });
  bind(heap, exports);

  const text = heap.string(TEXT); // C reads it where it is
  const count = exports.count_words(text.ptr, text.bytes);
  heap.free(text.ptr);
  return { count, inUse: heap.usedBytes };
}

const plain = countWords([], undefined);
console.log(`without plugins: ${plain.count} words, ${plain.inUse} bytes are in use afterwards`);

const findings = [];
// `free` is refused for a block that was damaged: it is reported once, mended, and freed the second time.
const watched = countWords([strict({ stacks: "off" })], (error, { name }) => findings.push({ error, name }));
console.log(
  `with strict: ${watched.count} words, and ${findings.length} calls of ${findings[0].name} that found something`,
);
console.log();
console.log(formatReport(findings[0].error));
