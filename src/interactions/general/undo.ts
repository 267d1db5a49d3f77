/**
 * `/undo` and the Undo button: take back what the tool `discord` has done for the asker (T3).
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { UNDO_BUTTON } from "../../core/outbound/undo_button.ts";
import { clip } from "../../lib/text/cut.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";
import type { Component } from "../base/component.ts";
import type { UndoOutcome } from "../base/context.ts";

/** Takes back the newest change of the last ten minutes, or one by its number. */
export const undo: Command = {
  name: "undo",
  description: "Take back what I have just changed for you here",
  options: [{
    name: "id",
    description: "Number of the change (default: the newest)",
    type: "whole",
    isRequired: false,
  }],
  needs: "everyone", // it takes back the asker's own changes, or as an owner all
  async run(call, { undo, texts, log }) {
    const { id } = call.options;
    const outcome = await undo(call, typeof id === "number" ? id : undefined);
    if (outcome.kind === "undone") {
      log.info("A person has undone a change", { interactionId: call.id, change: outcome.id });
    }
    return wordsOf(outcome, texts());
  },
};

/** The button below an answer that has changed something; the store decides what it takes back. */
export const undoButton: Component = {
  kind: "button",
  name: UNDO_BUTTON,
  needs: "everyone", // as the command
  run(press, { undoTurn, texts, log }) {
    const turnId = parseSnowflake<"message">(press.customId.slice(UNDO_BUTTON.length + 1));
    if (!turnId) return Promise.resolve(undefined);
    return Promise.resolve({
      how: "reply",
      text: notice("undoing", {}, texts()),
      async later() {
        const outcomes = await undoTurn(press, turnId);
        log.info("A person has pressed Undo", {
          interactionId: press.id,
          turnId,
          undone: outcomes.filter(({ kind }) => kind === "undone").length,
        });
        const none: UndoOutcome = {
          kind: "refused",
          why: "nothing of that answer can be taken back any more",
        };
        const told = outcomes.length > 0 ? outcomes : [none];
        return clip(told.map((outcome) => wordsOf(outcome, texts())).join("\n"), MAX_ANSWER);
      },
    });
  },
  failedText: (texts) => notice("failure", { id: UNDO_BUTTON }, texts),
};

/** Characters of an answer; a clipped one has a note besides. */
const MAX_ANSWER = 1_900;

function wordsOf(outcome: UndoOutcome, texts: Texts): string {
  return outcome.kind === "refused"
    ? notice("undoRefused", { reason: outcome.why }, texts)
    : notice("undone", { what: outcome.what, does: outcome.does }, texts);
}
