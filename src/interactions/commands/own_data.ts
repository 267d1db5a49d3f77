/**
 * Commands about the asker's own data: everything stored of them (`/forget me`, X5), and changes that
 * the tool `discord` has made for them (`/undo`, T3).
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import { clip } from "../../lib/text/quoted.ts";
import { NOT_AUTHORIZED } from "../../render/sentences.ts";
import { choicesFor, type Command, type Component } from "../base/command.ts";
import type { UndoOutcome } from "../../flows/interactions/undo.ts";

/** Takes back the newest change of the last ten minutes, or one by its number. */
export const undo: Command = {
  name: "undo",
  description: "Take back my last change for you here",
  options: [{
    name: "id",
    description: "Number of the change (default: the newest)",
    type: "whole",
  }],
  needs: "everyone", // it takes back the asker's own changes, or as an owner all
  async run(call, account) {
    const { undoChange } = await import("../../flows/interactions/undo.ts");
    const { id } = call.options;
    const outcome = await undoChange(account, call, typeof id === "number" ? id : undefined);
    if (outcome.kind === "undone") {
      account.log.info("A person has undone a change", {
        interactionId: call.id,
        change: outcome.id,
      });
    }
    return wordsOf(outcome);
  },
};

/** The button below an answer that has changed something; the store decides what it takes back. */
export const undoButton: Component = {
  kind: "button",
  name: UNDO_BUTTON,
  needs: "everyone", // as the command
  run(press, account) {
    const turnId = parseSnowflake<"message">(press.customId.slice(UNDO_BUTTON.length + 1));
    if (!turnId) return Promise.resolve(undefined);
    return Promise.resolve({
      how: "reply",
      text: "Taking that back …",
      async later() {
        const { undoTurn } = await import("../../flows/interactions/undo.ts");
        const outcomes = await undoTurn(account, press, turnId);
        account.log.info("A person has pressed Undo", {
          interactionId: press.id,
          turnId,
          undone: outcomes.filter(({ kind }) => kind === "undone").length,
        });
        const none: UndoOutcome = {
          kind: "refused",
          why: "nothing of that answer can be taken back any more",
        };
        const told = outcomes.length > 0 ? outcomes : [none];
        return clip(told.map((outcome) => wordsOf(outcome)).join("\n"), MAX_ANSWER);
      },
    });
  },
};

/** Characters of an answer; a clipped one has a note besides. */
const MAX_ANSWER = 1_900;

function wordsOf(outcome: UndoOutcome): string {
  return outcome.kind === "refused"
    ? `I could not undo that: ${outcome.why}.`
    : `Undone: ${outcome.what}. This ${outcome.does}.`;
}

/**
 * Forgets the asker, or for an owner a person. The choice confirms it, because no one can bring the
 * data back.
 */
export const forget: Command = {
  name: "forget",
  description: "Delete everything that I have stored of you",
  options: [{
    name: "who",
    description: "Choose “me” to confirm: no one can bring it back",
    type: "text",
    isRequired: true,
    async suggest(typing, account) {
      const { mayUse } = await import("../../flows/interactions/authorize.ts");
      const isOwner = await mayUse(account, typing, "owner");
      const people = isOwner ? [...await account.store.messages.askersNames()] : [];
      return choicesFor(typing.typed.text, [
        { name: "me", value: "me" },
        ...people.map(([id, name]) => ({ name: `${name} (${id})`, value: id })),
      ]);
    },
  }],
  needs: "everyone",
  isMenuOnly: true, // as a message, its own turn would be open, and part of the stored data
  async run(call, account) {
    const { mayUse } = await import("../../flows/interactions/authorize.ts");
    const { forget } = await import("../../flows/interactions/forget.ts");
    const who = String(call.options["who"]).trim();
    const other = parseSnowflake<"user">(who);
    if (!other && who !== "me") return "Nothing is deleted: choose “me” to confirm.";
    if (other && !await mayUse(account, call, "owner")) return NOT_AUTHORIZED;
    const outcome = await forget(account, other ?? call.sender.id);
    account.log.info("A person asked to be forgotten, or an owner for them", {
      interactionId: call.id,
      by: call.sender.id,
      outcome,
    });
    const whose = other ? `of <@${other}>` : "of yours";
    return outcome === "forgotten"
      ? `I have deleted everything that I had stored ${other ? whose : "of you"}.`
      : `I am still working on a message ${whose}. Try again when it is answered, or use ` +
        "`/stop` first.";
  },
};

/** The commands that take data or changes back, in the order of `/help`. */
export const REMOVALS: readonly Command[] = [forget, undo];
