/** The changes of the pages Memory and Schedules: `barnacle memory` and `barnacle schedules`. */

import { z } from "zod";
import {
  changeOne,
  DONE,
  type ScheduleChange,
  unknownNote,
  unknownSchedule,
} from "../../agent/exports.ts";
import { type AnyChange, change, RefusedChange } from "../base/page.ts";

const row = z.strictObject({ id: z.coerce.number().int().positive() });

export const deleteNote: AnyChange = change({
  name: "memory.delete",
  label: "Delete",
  fields: row,
  command: ({ id }) => `barnacle memory delete ${id}`,
  confirm: ({ id }) => `Delete note ${id}? The agent forgets it.`,
  async run({ store }, { id }) {
    if (await store.notes.remove(id)) return { text: `Note ${id} is deleted` };
    throw new RefusedChange(unknownNote(id));
  },
});

function changeSchedule(how: ScheduleChange, label: string, question?: string): AnyChange {
  return change({
    name: `schedules.${how}`,
    label,
    fields: row,
    command: ({ id }) => `barnacle schedules ${how} ${id}`,
    confirm: question === undefined
      ? undefined
      : ({ id }) => `${label} schedule ${id}? ${question}`,
    async run({ store, setup }, { id }) {
      const { timezone } = setup().config.agents.defaults;
      const isDone = await changeOne(how, store.schedules, id, timezone);
      if (isDone) return { text: `Schedule ${id}: ${DONE[how]}` };
      throw new RefusedChange(unknownSchedule(id));
    },
  });
}

/** Stops the runs of a schedule. */
export const pauseSchedule: AnyChange = changeSchedule("pause", "Pause");
/** Continues with the next regular run. */
export const resumeSchedule: AnyChange = changeSchedule("resume", "Resume");
/** Runs a schedule besides its own times. */
export const runSchedule: AnyChange = changeSchedule("run", "Run now");
export const deleteSchedule: AnyChange = changeSchedule(
  "delete",
  "Delete",
  "Its history goes, too.",
);

export const AGENT_CHANGES: readonly AnyChange[] = [
  deleteNote,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  deleteSchedule,
];
