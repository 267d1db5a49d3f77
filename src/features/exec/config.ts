/** Keys of `exec`: commands on the host (A1 to A3). */

import { z } from "zod";
import { key, lazyKey, text } from "../../config/schema/parts/key.ts";
import { programLimits } from "../../config/schema/service.ts";
import { EXEC_LIMITS } from "../../lib/program_limits.ts";

export const exec = lazyKey(
  () =>
    z.strictObject({
      mode: key(
        z.enum(["deny", "allowlist", "ask", "full"]).default("ask"),
        "When to run a command on the host. `deny`: never. `allowlist`: if `allow` has it. `ask`: " +
          "otherwise, ask the approvers. `full`: always.",
      ),
      allow: key(
        z.array(z.array(text()).min(1)).default([]),
        "Commands that run without an approval, each as a program and its exact arguments. " +
          'A last `"*"` stands for any further arguments.',
        { example: [["/usr/local/bin/backup", "--daily"], ["df", "*"]] },
      ),
      sandbox: key(
        z.enum(["auto", "off"]).default("auto"),
        "How to isolate commands from the bot's token. `auto`: in bubblewrap, without network; " +
          "without bubblewrap, no command runs. `off`: if there is no bubblewrap, run them as the " +
          "bot's user, which can read its token.",
      ),
      limits: programLimits(EXEC_LIMITS, "a command", "the workspace may hold"),
    }).prefault({}).transform(({ mode, ...rest }) =>
      mode === "deny" ? undefined : { mode, ...rest }
    ),
  "Runs commands on the host, for owners. Without this section, the tool `exec` does " +
    "not exist.",
  { task: "agents", unset: "no commands", example: { mode: "ask" } },
);
