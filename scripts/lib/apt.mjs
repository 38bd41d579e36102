// Programs the tests need, from Debian's packages.
import { spawnSync } from "node:child_process";
import { onPath } from "./workspace.mjs";

/** Installs packages; why it cannot be done, or nothing if it was. */
export function aptInstall(...packages) {
  if (!onPath("apt-get")) return `there is no apt-get to install ${packages.join(" and ")}`;
  if (process.getuid?.() !== 0) return `only root may install it: apt-get install ${packages.join(" ")}`;
  console.log(`installing ${packages.join(", ")} …`);
  return apt("update") ?? apt("install", "-y", "--no-install-recommends", ...packages);
}

function apt(...args) {
  const { status, stdout, stderr, error } = spawnSync("apt-get", ["-qq", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) return `apt-get ${args[0]} failed\n${error ?? `${stdout}${stderr}`.trim()}`;
}
