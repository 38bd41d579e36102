import { library } from "../../tsup.shared.js";

// The profile writer is an entry of its own: only who imports it needs pprof-format.
export default library({ entry: ["src/index.ts", "src/pprof.ts"] });
