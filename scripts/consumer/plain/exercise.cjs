// What every program here does with the copies of core and of the strategy it got hold of.
const assert = require("node:assert/strict");

/**
 * @param createHeap of one copy of core
 * @param hyperheap of one copy of the strategy
 * @param stats, strict, trace of one copy of the plugins
 * @param isHeapError of every copy of core there is: each must know the other's errors
 */
module.exports = function exercise(
  { createHeap, hyperheap, stats, strict, trace, mergeTraces, decodeTrace, encodeTrace, TraceError },
  ...isHeapError
) {
  const heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });
  const sizes = [1, 16, 100, 4000, 70000];
  const blocks = sizes.map((size) => heap.alloc(size, 64));
  blocks.forEach((ptr, i) => {
    assert.ok(ptr > 0 && ptr % 64 === 0 && heap.usableSize(ptr) >= sizes[i]);
    const bytes = heap.memory.u8.subarray(ptr, ptr + sizes[i]);
    assert.ok(bytes.every((byte) => byte === 0));
    bytes.fill(i + 1);
  });
  heap.check();
  blocks.forEach((ptr, i) => {
    assert.ok(heap.memory.u8.subarray(ptr, ptr + sizes[i]).every((byte) => byte === i + 1));
  });

  const view = heap.allocArray(Float32Array, 8);
  view[7] = 1.5;
  assert.equal(heap.reallocArray(view, 80)[7], 1.5);

  heap.free(blocks[1]);
  for (const isOne of isHeapError) {
    assert.throws(
      () => heap.free(blocks[1]),
      (error) => isOne(error) && isOne(error, "ERR_DOUBLE_FREE") && !isOne(error, "ERR_INVALID_SIZE"),
    );
    assert.throws(
      () => heap.alloc(-1),
      (error) => isOne(error, "ERR_INVALID_SIZE"),
    );
    assert.equal(isOne(new Error("another")), false);
  }
  assert.equal(heap.alloc(1 << 21), 0);
  heap.check();

  const guarded = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict()] });
  const row = guarded.alloc(10);
  guarded.memory.u8[row + 10] = 0;
  assert.throws(
    () => guarded.free(row),
    (error) =>
      isHeapError.every((isOne) => isOne(error, "ERR_HEAP_OVERFLOW")) &&
      error.offset === 0 &&
      error.block.seq === 1,
  );
  guarded.free(row);
  guarded.check();
  assert.deepEqual(guarded.strict.leaks(), []);

  const counted = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict(), stats()] });
  const tag = counted.stats.tag("row");
  counted.free(counted.alloc(10, 16, tag));
  counted.alloc(20, 16, tag);
  const { currentBytes, peakBytes, frees } = counted.stats.get(tag);
  assert.deepEqual([currentBytes, peakBytes, frees], [20, 20, 1]);
  assert.deepEqual(
    counted.strict.leaks().map(({ tag, bytes }) => [tag, bytes]),
    [["row", 20]],
  );
  for (const isOne of isHeapError)
    assert.throws(
      () => counted.stats.tag(""),
      (error) => isOne(error, "ERR_INVALID_OPTION"),
    );
  counted.check();

  const recorded = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [trace(), stats()] });
  recorded.free(recorded.realloc(recorded.alloc(10), 3000));
  const made = mergeTraces([recorded.trace.take()]);
  assert.deepEqual([...decodeTrace(encodeTrace(made), "again").sizes], [10, 3000, 0]);
  assert.throws(() => decodeTrace(new Uint8Array(3), "none"), TraceError);
};
