/** What each worker loads: the first message names its role. */
import { copyRole } from "./scenarios/alone.js";
import { passingRole } from "./scenarios/channel.js";
import { stuckRole, survivorRole, victimRole } from "./scenarios/deaths.js";
import { growthRole } from "./scenarios/growth.js";
import { hammerRole } from "./scenarios/hammer.js";
import { holderRole } from "./scenarios/lock.js";
import { mistakeRole } from "./scenarios/mistakes.js";
import { sharingRole } from "./scenarios/sharing.js";
import { play } from "./surroundings.js";

const roles = {
  copy: copyRole,
  growth: growthRole,
  hammer: hammerRole,
  holder: holderRole,
  mistake: mistakeRole,
  passing: passingRole,
  sharing: sharingRole,
  stuck: stuckRole,
  survivor: survivorRole,
  victim: victimRole,
};
export type Roles = typeof roles;
play(roles);
