/**
 * Makes the commands that show and choose one setting of a conversation or a place (K2).
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { ChosenSetting } from "../../core/people/chosen.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Choice, Command } from "./command.ts";
import type { InteractionContext } from "./context.ts";

/** Such a command. */
export interface SettingCommand {
  /** Name of the command and of its setting. */
  readonly name: ChosenSetting;
  /** Description of the command. */
  readonly description: string;
  /** Name and description of its option. */
  readonly option: { readonly name: string; readonly description: string };
  /** The values; one of them is {@link SettingCommand.unset}. */
  readonly choices: readonly Choice[];
  /** The value that removes the choice: `"default"`. */
  readonly unset: string;
  /** The right that it needs. */
  readonly needs: CommandNeeds;
  /** A sentence below the answer; it also refuses a value, if it says so. */
  readonly remark?: (
    call: CommandCall,
    value: string | undefined,
    context: InteractionContext,
  ) =>
    | { readonly text: string; readonly refuses: boolean }
    | undefined
    | Promise<
      { readonly text: string; readonly refuses: boolean } | undefined
    >;
}

/** Makes the command. Without a value, it shows the setting. */
export function settingCommand(
  { name, description, option, choices, unset, needs, remark }: SettingCommand,
): Command {
  return {
    name,
    description,
    options: [{ ...option, type: "text", isRequired: false, choices }],
    needs,
    async run(call, context) {
      const { settings, texts, log } = context;
      const { [option.name]: given } = call.options;
      const wanted = typeof given === "string" ? given : undefined;
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
      const words = { name, value };
      const answer = wanted === undefined
        ? notice("settingNow", { ...words, values: namesOf(choices) }, texts())
        : notice("settingChosen", words, texts());
      return said ? `${answer}\n${said.text}` : answer;
    },
  };
}

function namesOf(choices: readonly Choice[]): string {
  return choices.map(({ value }) => `\`${value}\``).join(", ");
}
