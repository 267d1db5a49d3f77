/** Plays scenes in which people check answers (A5): cards, presses, and the ends of cards. */

import assert from "node:assert/strict";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import type { Interaction, Message } from "../../../simulator/world/world.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import type { Scene, SceneOptions } from "./e2e.ts";

/** Ada, by the id that the simulator gives her. */
export const OWNER = "1456074443980800000";
/** The owners' channel, where ada decides. */
export const REVIEWS = "off-topic";

export const POST = NOTICES.postDraft.text;
export const EDIT = NOTICES.editDraft.text;
export const DISCARD = NOTICES.discardDraft.text;
export const SELF = NOTICES.answerSelf.text;

/** A guild whose answers ada checks in a channel. */
export function checked(
  approval: string,
  answers: object = {},
  more: SceneOptions = {},
): SceneOptions {
  const config = {
    commands: { ownerAllowFrom: [OWNER] },
    approvals: { answers: { channel: "$reviews", ...answers } },
    ...more.config,
  };
  return {
    ...more,
    discord(simulator) {
      config.approvals.answers.channel = simulator.channel(REVIEWS).id;
      const [krill] = simulator.world.guilds.values();
      return {
        guilds: { [krill?.id ?? ""]: { approval } },
        dm: { policy: "open", allowFrom: ["*"], approval },
        ...more.discord?.(simulator),
      };
    },
    config,
  };
}

/** The newest open card in a place, once it arrives. */
export function card({ simulator, until }: Scene, where = REVIEWS, as?: string): Promise<Message> {
  const { id } = simulator.channel(where, as);
  return until(
    "a card",
    () => simulator.posted(id).findLast(({ components }) => buttonsIn(components).length > 0),
  );
}

export const labels = ({ components }: Message) => buttonsIn(components).map(({ label }) => label);

/** Presses a button of a card. */
export function press(
  { simulator }: Scene,
  message: Message,
  label: string,
  { as = "ada", where = REVIEWS }: { readonly as?: string; readonly where?: string } = {},
): Interaction {
  const button = buttonsIn(message.components).find((one) => one.label === label);
  assert.ok(button, `no button ${label} in ${JSON.stringify(message.components)}`);
  return simulator.press({ as, in: where, message: message.id, customId: button.custom_id });
}

/** The card's text once it has no buttons any more. */
export function settled({ simulator, until }: Scene, { channelId, id }: Message): Promise<string> {
  return until("the card to be settled", () => {
    const now = simulator.posted(channelId).find((one) => one.id === id);
    return now && buttonsIn(now.components).length === 0 && textOf(now);
  });
}

/** The bot's answers in a channel. */
export const answers = ({ written, here }: Scene, where = here) =>
  written(where).filter((text) => text.includes("You wrote:"));
