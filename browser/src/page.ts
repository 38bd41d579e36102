/** What the page loads: its scenarios, to be called by name. Its main thread may not sleep. */
import { alone, copied } from "./scenarios/alone.js";
import { passing } from "./scenarios/channel.js";
import { deathInside, deaths } from "./scenarios/deaths.js";
import { growth } from "./scenarios/growth.js";
import { hammer } from "./scenarios/hammer.js";
import { contention } from "./scenarios/lock.js";
import { mistakes } from "./scenarios/mistakes.js";
import { sharing } from "./scenarios/sharing.js";

const scenarios = {
  alone,
  contention,
  copied,
  deathInside,
  deaths,
  growth,
  hammer,
  mistakes,
  passing,
  sharing,
};
export type Scenarios = typeof scenarios;
Object.assign(globalThis, { scenarios });
