// Entities are rows, components are columns. All columns lie in one heap and grow with the number of entities.
import { createHeap } from "heapwright";

const heap = createHeap({ memory: 1 << 18, growth: { step: 1 << 16, max: 1 << 23 }, name: "world" });

/** The components: a column each. A row is an entity. */
const world = {
  x: heap.column(Float32Array, 64),
  y: heap.column(Float32Array, 64),
  dx: heap.column(Float32Array, 64),
  dy: heap.column(Float32Array, 64),
  health: heap.column(Uint8Array, 64),
};
let count = 0;
let moves = 0;

function spawn(angle, speed) {
  if (count === world.x.length) {
    // Twice as many rows. A column may move, and the memory may be replaced; only its `ptr` and `view` change.
    for (const column of Object.values(world)) {
      const before = column.ptr;
      column.resize(count * 2);
      if (column.ptr !== before) moves++;
    }
  }
  const row = count++;
  world.dx.view[row] = Math.cos(angle) * speed;
  world.dy.view[row] = Math.sin(angle) * speed;
  world.health.view[row] = 100; // x and y are zero, as all new elements
}

/** One step of all entities. The views are taken once: nothing allocates inside the loop. */
function step(seconds) {
  const [x, y, dx, dy] = [world.x.view, world.y.view, world.dx.view, world.dy.view];
  for (let row = 0; row < count; row++) {
    x[row] += dx[row] * seconds;
    y[row] += dy[row] * seconds;
  }
}

/** The last row takes the place of the one that goes. */
function remove(row) {
  count--;
  for (const { view } of Object.values(world)) view[row] = view[count];
}

const atFirst = heap.memory.u8.length;
for (let n = 0; n < 20_000; n++) {
  spawn((n * Math.PI * 2) / 360, 1 + (n % 3));
  if (n % 1000 === 0) step(0.25);
}
console.log(`${count} entities; columns of ${world.x.length} rows, which moved ${moves} times`);
console.log(`the memory has grown from ${atFirst / 1024} to ${heap.memory.u8.length / 1024} KiB`);

for (let n = 0; n < 10; n++) step(0.1);
const distance = Math.hypot(world.x.view[0], world.y.view[0]);
console.log(`entity 0 went ${distance.toFixed(2)} to the east, with ${world.health.view[0]} health`);

for (let row = count - 1; row >= 0; row--) if (row % 4 !== 0) remove(row);
for (const column of Object.values(world)) column.resize(count);
heap.check();
console.log(`${count} are left in ${heap.usedBytes} bytes of columns`);

for (const column of Object.values(world)) column.free();
console.log(`${heap.usedBytes} bytes are in use`);
