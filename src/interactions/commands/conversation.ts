/**
 * Commands for the conversation here: stop its turns (S5), begin a new one, fold it into a summary
 * (S4a), and choose its model.
 */

import { notice, type TextKey } from "../../render/notices/notices.ts";
import { choicesFor, type Command, type Component } from "../base/command.ts";
import type { ConversationUses } from "../base/context.ts";
import type { ButtonPress, CommandCall } from "../../core/inbound/interactions.ts";
import { STOP_BUTTON } from "../../core/outbound/outbound.ts";
import { agentLine } from "./about.ts";
import { ASKED } from "./questions.ts";

/** Begins a new transcript. The store keeps the old one, and the model sees it no more. */
export const reset: Command<ConversationUses> = {
  name: "reset",
  description: "Begin a new conversation here; I forget the old one",
  takesWords: true,
  needs: "session",
  async run(call, { conversations, texts, log }) {
    const entries = await conversations.reset(call);
    log.info("A person began a new conversation", {
      interactionId: call.id,
      channelId: call.channelId,
      by: call.sender.id,
      entries,
    });
    return notice(entries > 0 ? "reset" : "resetNothing", {}, texts());
  },
};

/** The same; with words, the new conversation begins with them. */
export const fresh: Command<ConversationUses> = {
  ...reset,
  name: "new",
  description: "Begin a new conversation here, perhaps with a question",
  options: [{
    name: "message",
    description: "Your first message of the new conversation",
    type: "text",
  }],
  async run(call, context) {
    const { message } = call.options;
    const isQuestion = typeof message === "string" && message.trim() !== "";
    if (isQuestion && call.cannotAnswer) return notice(ASKED.nowhere, {}, context.texts());
    const text = await reset.run(call, context);
    if (!isQuestion) return text;
    const where = await context.ask(call, { text: message });
    return notice(ASKED[where], {}, context.texts());
  },
};

/** Folds everything so far, which makes room in the window and costs one request to the model. */
export const compact: Command<ConversationUses> = {
  name: "compact",
  description: "Fold this conversation into a summary",
  takesWords: true,
  needs: "session",
  async run(call, { conversations, texts }) {
    return notice(TEXTS[await conversations.compact(call)], {}, texts());
  },
};

const TEXTS = {
  folded: "compacted",
  nothing: "compactNothing",
  failed: "compactFailed",
} as const satisfies Record<string, TextKey>;

/** Stops the asker's turns in the channel; in a direct message, or with the right to, all. */
const stop: Command<ConversationUses> = {
  name: "stop",
  description: "Stop my current work here",
  needs: "everyone",
  run: stopHere,
};

/** The button below a progress line. It does the same, so it needs no state of its own. */
export const stopButton: Component<ConversationUses> = {
  kind: "button",
  name: STOP_BUTTON,
  needs: "everyone",
  run: async (press, context) => ({ how: "reply", text: await stopHere(press, context) }),
  failedText: (texts) => notice("failure", { id: "stop" }, texts),
};

async function stopHere(
  call: CommandCall | ButtonPress,
  { turns, texts, log }: ConversationUses,
): Promise<string> {
  const { accountId, channelId, place, sender } = call;
  // A user install is no direct message, though its rules are: others may be in the channel.
  const isDirect = place.kind === "dm" && !call.isElsewhere;
  const isAll = isDirect || (!call.isElsewhere && await turns.mayStopAll(call));
  const scope = { accountId, channelId, userId: !isAll ? sender.id : undefined };
  const count = await turns.stop(scope);
  log.info("A person stopped turns", {
    interactionId: call.id,
    channelId,
    stoppedBy: sender.id,
    isAll,
    count,
  });
  return notice(count > 0 ? "stopped" : "nothingToStop", {}, texts());
}

/** The word that chooses the config's model again. */
const DEFAULT = "default";

/** Chooses a model of the config for this conversation, until a person chooses another. */
export const model: Command<ConversationUses> = {
  name: "model",
  description: "Show or choose the model of this conversation",
  options: [{
    name: "model",
    description: "A model of the config, or “default”",
    type: "text",
    suggest: (typing, { models }) =>
      choicesFor(
        typing.typed.text,
        [DEFAULT, ...models.ids()].map((id) => ({ name: id, value: id })),
      ),
  }],
  needs: "session",
  async run(call, context) {
    const { models, texts, log } = context;
    const { model: wanted } = call.options;
    if (typeof wanted !== "string") return await listOf(call, context);
    const id = models.ids().find((one) => one.toLowerCase() === wanted.trim().toLowerCase());
    if (id === undefined && wanted.trim().toLowerCase() !== DEFAULT) {
      return `${notice("modelUnknown", { model: quoted(wanted) }, texts())}\n${await listOf(
        call,
        context,
      )}`;
    }
    await models.choose(call, id);
    log.info("A person chose a model", {
      interactionId: call.id,
      channelId: call.channelId,
      by: call.sender.id,
      model: id ?? DEFAULT,
    });
    return notice("modelChosen", { model: (await models.of(call)).id }, texts());
  },
};

export const models: Command<ConversationUses> = {
  ...model,
  name: "models",
  description: "List the models that I can use",
  options: undefined,
  takesWords: true,
  run: listOf,
};

async function listOf(
  call: CommandCall,
  { models, agentHere, texts }: ConversationUses,
): Promise<string> {
  const { id: current } = await models.of(call);
  const lines = models.ids().slice(0, SHOWN).map((id) =>
    `${id === current ? "**→**" : "–"} \`${id}\``
  );
  const agent = agentLine(agentHere(call), texts());
  return [...agent, notice("models", { model: current }, texts()), ...lines].join("\n");
}

const SHOWN = 20;

/** A person's word as code, bounded. */
function quoted(text: string): string {
  return text.replaceAll("`", "'").slice(0, 100);
}

/** These commands, in the order of `/help`. */
export const CONVERSATION: readonly Command<ConversationUses>[] = [
  stop,
  fresh,
  reset,
  compact,
  model,
  models,
];
