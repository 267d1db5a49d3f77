/**
 * Commands that show and choose one setting of a conversation or a place (K2).
 *
 * The store has these settings, not the config file: an entry for a channel there could close other
 * channels.
 */

import { type ChosenSetting, oneOf, THINK_LEVELS } from "../../core/people/chosen.ts";
import type { Choice, Command } from "../base/command.ts";
import type { InteractionContext } from "../base/context.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";

/**
 * Chooses the level of thinking of a conversation.
 *
 * A server's words alone tell whether its model takes a level. So a refused level is remembered, and
 * the command says so; the turn that found out is answered without it.
 */
export const think: Command = settingCommand({
  name: "think",
  description: "Show or choose how long my model thinks here",
  option: { name: "level", description: "How long it thinks" },
  choices: [
    ...THINK_LEVELS.map((level) => ({ name: level, value: level })),
    { name: "default: as the model does by itself", value: "default" },
  ],
  unset: "default",
  needs: "session",
  async remark(call, wanted, { models, settings }) {
    const level = oneOf(THINK_LEVELS, wanted ?? await settings.of(call, "think"));
    if (level === undefined) return undefined;
    const { id: model, levels } = await models.refusedThinking(call);
    if (levels.has(level)) {
      const text =
        `The server of \`${model}\` has refused the level \`${level}\`, so it has no effect.`;
      return { text, refuses: wanted !== undefined };
    }
    return wanted === undefined ? undefined : {
      text:
        `If the server of \`${model}\` refuses it, I answer without it, and \`/think\` says so.`,
      refuses: false,
    };
  },
});

export const verbose: Command = settingCommand({
  name: "verbose",
  description: "Show or hide the tools I used above my answers here",
  option: { name: "mode", description: "Whether everyone here sees them" },
  choices: [
    { name: "on: everyone here sees their names", value: "on" },
    { name: "off", value: "off" },
  ],
  unset: "off",
  needs: "session",
});

/** Shows the model's thinking, if its server sends it. */
export const reasoning: Command = settingCommand({
  name: "reasoning",
  description: "Show or hide my model's thinking above my answers here",
  option: { name: "mode", description: "Whether everyone here sees it" },
  choices: [{ name: "on: everyone here sees it", value: "on" }, { name: "off", value: "off" }],
  unset: "off",
  needs: "session",
});

/** Chooses the mode of a channel or a direct message, in place of `messages.queue.mode`. */
export const queue: Command = settingCommand({
  name: "queue",
  description: "Show or choose what I do with messages during my work",
  option: { name: "mode", description: "What to do with such messages" },
  choices: [
    { name: "collect: answer all of them at once, later", value: "collect" },
    { name: "steer: see them at my next step", value: "steer" },
    { name: "followup: answer each of them, later", value: "followup" },
    { name: "interrupt: stop, and answer them instead", value: "interrupt" },
    { name: "default: as my config says", value: "default" },
  ],
  unset: "default",
  needs: "session",
});

/** Chooses for a channel with its threads, or for a thread. */
export const activation: Command = settingCommand({
  name: "activation",
  description: "Show or choose whether I answer without a mention here",
  option: { name: "mode", description: "When I answer" },
  choices: [
    { name: "mention: only if a message mentions me", value: "mention" },
    { name: "always: each message of people who may talk to me", value: "always" },
    { name: "default: as my config says", value: "default" },
  ],
  unset: "default",
  needs: "owner",
  remark: ({ place }) =>
    place.kind === "guild" ? undefined : {
      text: "`/activation` works in servers only: elsewhere, I need no mention.",
      refuses: true,
    },
});

/**
 * Chooses for a channel with its threads, for a thread, or for direct messages with a person.
 *
 * Messages there are context for later answers. Commands work, so that `/send on` does.
 */
export const send: Command = settingCommand({
  name: "send",
  description: "Show or choose whether I answer in this channel",
  option: { name: "mode", description: "Whether I answer" },
  choices: [
    { name: "on: also in a thread whose channel is off", value: "on" },
    { name: "off: answer nothing but commands", value: "off" },
    { name: "inherit: a thread as its channel, others on", value: "inherit" },
  ],
  unset: "inherit",
  needs: "owner",
});

interface SettingRemark {
  readonly text: string;
  readonly refuses: boolean;
}

/** Makes the command. Without a value, it shows the setting. */
function settingCommand(
  { name, description, option, choices, unset, needs, remark }:
    & Pick<Command, "description" | "needs">
    & {
      readonly name: ChosenSetting;
      readonly option: { readonly name: string; readonly description: string };
      /** The values; one of them is `unset`. */
      readonly choices: readonly Choice[];
      /** The value that removes the choice: `"default"`. */
      readonly unset: string;
      /** A sentence below the answer; it also refuses a value, if it says so. */
      readonly remark?: (
        call: CommandCall,
        value: string | undefined,
        context: InteractionContext,
      ) => SettingRemark | undefined | Promise<SettingRemark | undefined>;
    },
): Command {
  return {
    name,
    description,
    options: [{ ...option, type: "text", choices }],
    needs,
    async run(call, context) {
      const { settings, log } = context;
      const { [option.name]: given } = call.options;
      // Discord checks the choice; a compatible server may not.
      const wanted = choices.find((choice) => choice.value === given)?.value;
      const said = await remark?.(call, wanted, context);
      if (said?.refuses) return said.text;
      if (wanted !== undefined) {
        await settings.choose(call, name, wanted === unset ? undefined : wanted);
        log.info("A person changed a setting", {
          interactionId: call.id,
          channelId: call.channelId,
          by: call.sender.id,
          setting: name,
          value: wanted,
        });
      }
      const value = await settings.of(call, name) ?? unset;
      const answer = wanted === undefined
        ? `\`/${name}\` is \`${value}\` here. To change it, choose one of: ${namesOf(choices)}`
        : `\`/${name}\` is \`${value}\` here from now on.`;
      return said ? `${answer}\n${said.text}` : answer;
    },
  };
}

function namesOf(choices: readonly Choice[]): string {
  return choices.map(({ value }) => `\`${value}\``).join(", ");
}

/** The settings of conversations and channels, in the order of `/help`. */
export const SETTINGS: readonly Command[] = [
  think,
  reasoning,
  verbose,
  queue,
  activation,
];
