import { readdirSync } from "node:fs";
import { library } from "../../tsup.shared.js";

// An entry for each package behind the door: who imports one of them loads no other.
const subpaths = readdirSync("src").filter(
  (name) => /^[a-z]+\.ts$/.test(name) && !/^(defaults|options)/.test(name),
);

export default library({
  entry: subpaths.map((name) => `src/${name}`),
  // Types of several entries would be rolled up together, and each would import all packages; see subpath-types.mjs.
  dts: { entry: "src/index.ts", compilerOptions: { paths: {} } },
});
