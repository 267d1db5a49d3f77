/** Says whether this machine can run programs in bubblewrap, without asking the code under test. */

import { spawnSync } from "node:child_process";
import { skipUnless } from "../skip.ts";

const { status } = spawnSync("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"]);

/** For tests that need a sandbox. */
export const NEEDS_BUBBLEWRAP = skipUnless(
  status === 0,
  "commands in a sandbox: bubblewrap is missing, or does not work here",
);
