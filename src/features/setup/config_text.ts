/** Makes the config of the answers: a new one, or changes of one that exists. */

import { isDeepStrictEqual } from "node:util";
import {
  commentBefore,
  type Edited,
  entriesAt,
  isList,
  readTree,
  type Segment,
  setAt,
  unsetAt,
  valueAt,
} from "../../config/text/edit.ts";
import {
  keyOf,
  listedIn,
  type PlaceAnswer,
  type Present,
  type SetupModel,
  type SetupPerson,
  type WholeAnswers,
} from "./answers.ts";

export interface SecretFile {
  /** Name in the folder `credentials` beside the config. */
  readonly name: string;
  readonly text: string;
}

/** The token's file, by the name that the systemd unit's documentation uses. */
const TOKEN_FILE = "discord_token";

/** @param present Answers of the config, which has their secrets. */
export function secretFiles(
  { token, model }: WholeAnswers,
  present: Present,
): readonly SecretFile[] {
  const key = model === "none" ? undefined : model.key;
  return [
    ...token === present.token ? [] : [{ name: TOKEN_FILE, text: token }],
    ...model === "none" || key === undefined ? [] : [{ name: keyFileOf(model), text: key }],
  ];
}

function keyFileOf({ providerId }: SetupModel): string {
  return `${providerId.replace(/[^\w-]/g, "_")}_api_key`;
}

interface ConfigChange {
  readonly path: readonly Segment[];
  /** Absent: only the comment is added. */
  readonly value?: unknown;
  readonly isRemoved?: true;
  /** Comment for a key that was not there before. */
  readonly comment?: string;
}

/** A new file's first lines. */
const HEAD =
  "// Barnacle's config, written by `barnacle setup`. `barnacle config example` shows more keys,\n" +
  "// `barnacle config check` checks a change, and a running bot picks it up.\n";

/**
 * Makes the text.
 *
 * @param base The text of the file; `undefined` if there is none.
 */
export function configTextOf(
  base: string | undefined,
  answers: WholeAnswers,
  present: Present,
): Edited {
  const isNew = base === undefined || base.trim() === "";
  let edited: Edited = { kind: "edited", text: isNew ? `${HEAD}{}\n` : base };
  const tree = readTree(edited.text);
  const before = tree.kind === "tree" ? tree.value : undefined;
  for (const { path, value, isRemoved, comment } of changesOf(answers, before, present)) {
    if (edited.kind === "refused") return edited;
    const known = valueAt(before, path);
    if (isRemoved) edited = unsetAt(edited.text, path);
    else if (value !== undefined && !isDeepStrictEqual(value, known)) {
      edited = setAt(edited.text, path, value);
    }
    const isAdded = known === undefined;
    if (edited.kind === "edited" && comment !== undefined && isAdded) {
      edited = commentBefore(edited.text, path, comment);
    }
  }
  return edited;
}

const DISCORD = ["channels", "discord"] as const;

function changesOf(
  answers: WholeAnswers,
  before: unknown,
  present: Present,
): readonly ConfigChange[] {
  const { token, places, otherPlaces, owner, bot, model, limit } = answers;
  const isOwner = bot.owners.some(({ id }) => id === owner.id);
  return [
    ...token === present.token ? [] : [{
      path: [...DISCORD, "token"],
      value: { file: TOKEN_FILE },
      comment: "The token is in the folder credentials beside this file.",
    }],
    ...otherPlaces.flatMap((server): readonly ConfigChange[] => {
      const key = keyOf(guildsIn(before), server);
      return key === undefined ? [] : [{ path: [...GUILDS, key], isRemoved: true }];
    }),
    ...guildChanges(places, before),
    ...personChange(
      [...DISCORD, "dm", "allowFrom"],
      owner,
      before,
      `May write direct messages without a pairing code: @${owner.name}`,
    ),
    ...isOwner ? [] : personChange(
      ["commands", "ownerAllowFrom"],
      owner,
      before,
      `Owns the bot: @${owner.name}`,
    ),
    ...model === "none" ? [] : modelChanges(model, limit, before),
    ...limit.kind === "money"
      ? [{
        path: ["budgets", "total", "moneyPerDay"],
        value: limit.perDay,
        comment: "Dollars for each UTC day. The prices above tell the cost of an answer.",
      }]
      : limit.kind === "tokens"
      ? [{
        path: ["budgets", "total", "tokensPerDay"],
        value: limit.perDay,
        comment: "Tokens for each UTC day, of requests and answers together.",
      }]
      : [],
  ];
}

const GUILDS = [...DISCORD, "guilds"] as const;

function guildsIn(before: unknown): Present["guilds"] {
  return new Map(entriesAt(before, GUILDS));
}

function guildChanges(places: readonly PlaceAnswer[], before: unknown): readonly ConfigChange[] {
  const guilds = GUILDS;
  const present = guildsIn(before);
  const head = "The servers in which the bot answers, and their channels. It answers mentions.";
  if (places.length === 0) {
    return valueAt(before, guilds) === undefined
      ? [{ path: guilds, value: {}, comment: "No server: the bot answers direct messages only." }]
      : [];
  }
  const isFirst = valueAt(before, guilds) === undefined;
  return [
    ...isFirst ? [{ path: guilds, value: {}, comment: head }] : [],
    ...places.flatMap((place): readonly ConfigChange[] => {
      const { id, name, channels = "all", others = [] } = place;
      const path = [...guilds, keyOf(present, place) ?? id];
      const known = valueAt(before, path);
      const listedBefore = listedIn(present, place);
      const comment = channels === "all"
        ? `${name}: every channel`
        : `${name}: these channels only`;
      if (channels === "all") {
        // A list of channels would go on closing the others.
        return known === undefined || listedBefore
          ? [{ path, value: withoutChannels(known), comment }]
          : [];
      }
      const closed = others.map((channel) => keyOf(listedBefore, channel));
      const kept = [...listedBefore ?? []].filter(([key]) => !closed.includes(key));
      const added = channels.filter((channel) => keyOf(listedBefore, channel) === undefined);
      const listed = Object.fromEntries([...kept, ...added.map(({ id }) => [id, {}] as const)]);
      return [
        known === undefined
          ? { path, value: { channels: listed }, comment }
          : { path: [...path, "channels"], value: listed },
        ...added.map((channel): ConfigChange => ({
          path: [...path, "channels", channel.id],
          comment: `#${channel.name}`,
        })),
      ];
    }),
  ];
}

function withoutChannels(known: unknown): object {
  if (typeof known !== "object" || known === null) return {};
  const { channels: _, ...rest } = known as { readonly channels?: unknown };
  return rest;
}

/** Adds a person to a list of ids, once. */
function personChange(
  path: readonly Segment[],
  { id }: SetupPerson,
  before: unknown,
  comment: string,
): readonly ConfigChange[] {
  const list = valueAt(before, path);
  if (!isList(list)) return [{ path, value: [id], comment }];
  return list.includes(id) ? [] : [{ path: [...path, list.length], value: id }];
}

const MODEL: readonly Segment[] = ["agents", "defaults", "model"];

function modelChanges(
  model: SetupModel,
  limit: WholeAnswers["limit"],
  before: unknown,
): readonly ConfigChange[] {
  const { providerId, name, kind, baseUrl, key } = model;
  const provider = ["models", "providers", providerId];
  const known = valueAt(before, provider);
  const prices = limit.kind === "money" ? limit.prices : undefined;
  const needsEntry = baseUrl !== undefined || key !== undefined || prices !== undefined;
  const apiKey = key === undefined ? {} : { apiKey: { file: keyFileOf(model) } };
  const own = { kind, ...baseUrl === undefined ? {} : { baseUrl }, ...apiKey };
  return [
    {
      path: valueAt(before, [...MODEL, "primary"]) === undefined ? MODEL : [...MODEL, "primary"],
      value: `${providerId}/${name}`,
      comment: "The model that answers. `barnacle model test` asks it a question.",
    },
    ...needsEntry
      ? [{ path: provider, value: { ...(typeof known === "object" ? known : undefined), ...own } }]
      : [],
    ...prices
      ? [{
        path: [...provider, "prices", name],
        value: prices,
        comment: "Dollars for a million tokens.",
      }]
      : [],
  ];
}
