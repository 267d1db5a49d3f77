/**
 * `/model` and `/models`: the model of this conversation.
 *
 * @module
 */

import type { CommandCall } from "../../core/inbound/interactions.ts";
import { notice } from "../../render/notices/notices.ts";
import { choicesFor } from "../base/choices.ts";
import type { Command } from "../base/command.ts";
import type { InteractionContext } from "../base/context.ts";

/** The word that chooses the config's model again. */
const DEFAULT = "default";

/** Chooses a model of the config for this conversation, until a person chooses another. */
export const model: Command = {
  name: "model",
  description: "Show or choose the model of this conversation",
  options: [{
    name: "model",
    description: "A model of the config, or “default”",
    type: "text",
    isRequired: false,
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

/** Lists the models. */
export const models: Command = {
  ...model,
  name: "models",
  description: "List the models that I can use",
  options: [],
  run: listOf,
};

async function listOf(
  call: CommandCall,
  { models, texts }: InteractionContext,
): Promise<string> {
  const { id: current } = await models.of(call);
  const lines = models.ids().slice(0, SHOWN).map((id) =>
    `${id === current ? "**→**" : "–"} \`${id}\``
  );
  return [notice("models", { model: current }, texts()), ...lines].join("\n");
}

const SHOWN = 20;

/** A person's word as code, bounded. */
function quoted(text: string): string {
  return text.replaceAll("`", "'").slice(0, 100);
}
