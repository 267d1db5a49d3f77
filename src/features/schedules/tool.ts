/**
 * The tool `remind`: reminders and scheduled tasks (T12).
 *
 * They belong to the person whose message the turn answers. No argument names another one (T5).
 */

import { z } from "zod";
import { badArguments, defineTool, type Tool } from "../../core/turn/tool.ts";

/** Maximum characters of the text of a schedule. */
const MAX_TEXT = 1_500;

export const remindInput = z.lazy(() =>
  z.strictObject({
    action: z.enum(["create", "list", "delete"]),
    when: z.string().max(100).optional().describe(
      'For create: a local time ("2026-11-27T09:00"), a duration ("2h 30m"), or, for owners only, ' +
        'a cron pattern with five fields ("0 9 * * 1").',
    ),
    text: z.string().max(MAX_TEXT).optional().describe(
      "For create: the reminder's words as people will read them, or the instructions of the task.",
    ),
    task: z.boolean().default(false).describe(
      "For create: true runs a turn of yours with the text then; false only posts the text.",
    ),
    id: z.int().positive().optional().describe("For delete: number of the reminder or task."),
  })
);

export type RemindInput = Partial<z.output<typeof remindInput>>;

/** Sets, lists and deletes the asker's reminders and tasks. */
export const remind: Tool = defineTool({
  name: "remind",
  short: {
    description:
      'Reminders of the person, here. `when`: "2h 30m", or "2026-11-27T09:00" local time.',
    fields: ["action", "when", "text", "id"],
  },
  description:
    "Sets, lists and deletes reminders and scheduled tasks of the person you answer. They run in " +
    "this channel. A plain reminder mentions the person and posts its text.",
  input: remindInput,
  isPersonal: true,
  seenAt: "nowhere",
  needs: [],
  isIdempotent: true,
  isReadOnly: (given) => remindInput.safeParse(given).data?.action === "list",
  effect(given) {
    const { data } = remindInput.safeParse(given);
    if (!data) return undefined;
    return data.action === "delete"
      ? { object: `reminder ${data.id ?? ""}`.trim(), did: "deleted" }
      : { object: data.task ? "task" : "reminder", did: "set" };
  },
  async run({ action, id, ...given }, context) {
    const { account, agentId, message, callKey, noteEffect } = context;
    const own = await import("./own.ts");
    switch (action) {
      case "create": {
        const set = await own.setSchedule(account, message, { ...given, agentId, callKey });
        const { nextAt } = set;
        const links = nextAt === undefined ? [] : [`<t:${Math.floor(nextAt / 1_000)}:f>`];
        noteEffect?.({ object: `${set.kind} ${set.id}`, links });
        return `Set: ${await own.scheduleLine(account, message, set)}`;
      }
      case "list": {
        const all = await own.ownSchedules(account, message);
        if (all.length === 0) return "This person has no reminders and no scheduled tasks here.";
        const lines = all.map((one) => own.scheduleLine(account, message, one));
        return (await Promise.all(lines)).join("\n");
      }
      case "delete": {
        if (id === undefined) throw badArguments("`delete` needs `id`; `list` shows the numbers");
        if (await own.removeSchedule(account, message, id)) return `Deleted number ${id}.`;
        noteEffect?.({ did: "not there" });
        return `This person has no reminder or task with the number ${id} here.`;
      }
    }
  },
});
