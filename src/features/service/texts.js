/** Embeds the files of `packaging/`. Imports of texts have no types, so this is no TypeScript. */

import launchdPlist from "../../../packaging/launchd/bot.barnacle.plist" with { type: "text" };
import systemUnit from "../../../packaging/systemd/barnacle.service" with { type: "text" };
import sysusers from "../../../packaging/systemd/barnacle.sysusers.conf" with { type: "text" };
import userUnit from "../../../packaging/systemd/user/barnacle.service" with { type: "text" };

/** @type {Readonly<Record<"launchdPlist" | "systemUnit" | "sysusers" | "userUnit", string>>} */
export const TEXTS = {
  launchdPlist,
  systemUnit,
  sysusers,
  userUnit,
};
