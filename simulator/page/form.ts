/** A form of a bot for the page: each field with the way in which a person fills it in. */

import type { Interaction, InteractionAnswer, World } from "../world/world.ts";
import type { ModalInput } from "../world/modals.ts";

/** A form that the bot has opened for one person. */
export interface SeenForm {
  /** The interaction that has opened it. */
  readonly id: string;
  readonly title: string;
  readonly fields: readonly SeenField[];
}

export interface SeenField {
  /** Names the field; no two of a form have the same. */
  readonly label: string;
  readonly hint?: string;
  readonly kind: "line" | "paragraph" | "options" | "files" | "yes_no";
  readonly isRequired: boolean;
  /** Maximum number of characters, of options or of files. */
  readonly max: number;
  /** Text or state in it at first. */
  readonly initial?: string | boolean;
  /** Of `options`: texts, people, roles or channels; the value is a label or an id. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

export function viewForm(
  world: World,
  interaction: Pick<Interaction, "id" | "channelId">,
  { modal }: InteractionAnswer & { readonly kind: "modal" },
): SeenForm {
  const { id, channelId } = interaction;
  return {
    id,
    title: modal.title,
    fields: modal.components.map(({ label, description, component }) => ({
      label,
      ...(description && { hint: description }),
      ...viewInput(world, channelId, component),
    })),
  };
}

function viewInput(
  world: World,
  channelId: Interaction["channelId"],
  input: ModalInput,
): Omit<SeenField, "label" | "hint"> {
  const isRequired = input.type !== 23 && (input.required ?? true);
  switch (input.type) {
    case 4:
      return {
        kind: input.style === 1 ? "line" : "paragraph",
        isRequired,
        max: input.max_length ?? 4_000,
        ...(input.value && { initial: input.value }),
      };
    case 19:
      return { kind: "files", isRequired, max: input.max_values ?? 1 };
    case 23:
      return { kind: "yes_no", isRequired, max: 1, initial: input.default ?? false };
    case 3:
    case 21:
    case 22: {
      const max = input.type === 21 ? 1 : input.max_values ?? (input.type === 22 ? 10 : 1);
      const options = input.options.map(({ label }) => ({ value: label, label }));
      return { kind: "options", isRequired, max, options };
    }
    case 5:
    case 6:
    case 7:
    case 8: {
      const max = input.max_values ?? 1;
      return {
        kind: "options",
        isRequired,
        max,
        options: accountsOf(world, channelId, input.type),
      };
    }
  }
}

/** People (5), roles (6), both (7) or channels (8) of the server. */
function accountsOf(world: World, channelId: Interaction["channelId"], type: 5 | 6 | 7 | 8) {
  const channel = world.channels.get(channelId);
  const guild = channel && "guildId" in channel ? world.guilds.get(channel.guildId) : undefined;
  const people = Array.from(world.users.values(), ({ id, username, globalName }) => ({
    value: id,
    label: `@${globalName ?? username}`,
  })).filter(({ value }) => guild === undefined || guild.members.has(value));
  const roles = Array.from(guild?.roles.values() ?? [], ({ id, name }) => ({
    value: id,
    label: `@${name.replace(/^@/, "")}`,
  }));
  const channels = [...guild?.channelIds ?? []].flatMap((id) => {
    const name = world.channels.get(id)?.name;
    return name === undefined ? [] : [{ value: id, label: `#${name}` }];
  });
  switch (type) {
    case 5:
      return people;
    case 6:
      return roles;
    case 7:
      return [...people, ...roles];
    case 8:
      return channels;
  }
}
