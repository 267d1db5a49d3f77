/** The changes of the pages Activity and People: `barnacle sessions reset` and `barnacle forget`. */

import { z } from "zod";
import { parseUser } from "../../../core/outbound/target.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { findSession, forgetPerson, forgottenText } from "../../sessions/exports.ts";
import { type AnyChange, change, RefusedChange } from "../base/page.ts";

/** Begins a new transcript. */
export const resetSession: AnyChange = change({
  name: "sessions.reset",
  label: "Begin anew",
  fields: z.strictObject({ session: z.string().min(1) }),
  command: ({ session }) => `barnacle sessions reset ${session}`,
  confirm: () =>
    "Begin a new transcript? Its entries stay stored, and the model sees none of them.",
  async run({ store, now }, { session: key }) {
    const found = await findSession(key, store.sessions);
    if ("problem" in found) throw new RefusedChange(found.problem);
    const left = await store.sessions.reset(found.session.sessionKey, "command", now());
    if (left === 0) throw new RefusedChange("The transcript is new already; nothing changed");
    return { text: `Began a new transcript; ${left} entries stay stored` };
  },
});

/** Milliseconds to wait for open turns: a browser waits for the answer. */
const WAIT_MS = 2_000;

/** Deletes a person's data. */
export const forgetUser: AnyChange = change({
  name: "people.forget",
  label: "Forget",
  fields: z.strictObject({ user: z.string() }),
  command: ({ user = "<user id>" }) => `barnacle forget ${user}`,
  confirm: () =>
    "Delete everything that is stored about this person? Only a backup could bring it back.",
  async run({ store, dataDir }, { user }) {
    const userId = parseUser(user.trim());
    if (!userId) throw new RefusedChange(`${quoted(user)} is not a user id; use an id or <@id>`);
    const done = await forgetPerson(userId, { store, dataDir, isRunning: true, waitMs: WAIT_MS });
    if ("problem" in done) throw new RefusedChange(done.problem);
    const { tables, backups } = done;
    const left = backups.length === 0
      ? ""
      : `. These files may still have their data: ${backups.join(", ")}; delete them by hand`;
    return { text: `${forgottenText(userId, tables)}${left}` };
  },
});

export const SESSION_CHANGES: readonly AnyChange[] = [resetSession, forgetUser];
