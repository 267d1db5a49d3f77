/**
 * Who may talk to the bot, and where: keys of `channels.discord`, defaults and docs.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { parseAllowEntry } from "../../policy/allowlist.ts";
import { parseGroupEntry } from "./group_entry.ts";
import { amount, key, later, laterSection, text } from "./key.ts";

/** Where a guild is not said otherwise (P6). */
export const groupPolicy = () => z.enum(["allowlist", "open", "disabled"]);

/** An id of Discord, in quotes. */
export const id = () =>
  z.string().refine((written) => parseSnowflake(written) !== undefined, {
    error: "Expected an id of Discord: 1 to 20 digits in quotes",
    params: { hint: "Discord, Settings, Advanced, Developer Mode; then right click, Copy ID" },
  });

/** Who is let in: ids, names, roles, `"*"` (P4). */
export const people = () =>
  z.array(
    z.string().superRefine((written, context) => {
      const entry = parseAllowEntry(written);
      if (entry.kind !== "problem") return;
      context.addIssue({
        code: "custom",
        message: entry.why,
        params: { hint: 'write an id, "<@id>", "user:<id>", "role:<id>", a username, or "*"' },
      });
    }),
  );

const toolLists = () => ({
  allow: later(z.array(text()).optional(), "The tools there are; nothing else.", {
    example: ["group:discord"],
  }),
  alsoAllow: later(z.array(text()).optional(), "Tools beside those that the level above allows.", {
    example: ["web_fetch"],
  }),
  deny: later(
    z.array(text()).optional(),
    "Tools that are never there, whatever else allows them.",
    {
      example: ["exec"],
    },
  ),
});

const tools = () => z.strictObject(toolLists());

const toolsHere = (place: string) => ({
  tools: laterSection(tools, `Which tools a turn in this ${place} has.`, {
    example: { deny: ["exec"] },
  }),
  toolsBySender: laterSection(
    () => z.record(text(), tools()),
    `The same by sender, for whom it goes before \`tools\`; \`"*"\` is everybody.`,
    { example: { "*": { deny: ["exec"] } } },
  ),
});

export const INTENT_FILTER = "Messages that need no mention are ignored while it is on";

const FILTER_ENABLED =
  "Whether a local classifier decides if a message that mentions nobody is for the bot.";

export const intentFilter = () =>
  z.strictObject({ enabled: key(z.boolean().default(false), FILTER_ENABLED), ...filterKeys() });

/** That of a place, which is on where the one above it is, unless it says otherwise. */
const intentFilterHere = () =>
  z.strictObject({
    enabled: key(z.boolean().optional(), FILTER_ENABLED, { unset: "as above", example: false }),
    ...filterKeys(),
  });

const filterKeys = () => ({
  model: key(z.literal("lightweight").default("lightweight"), "The classifier."),
  respondThreshold: key(
    amount(0, 1).default(0.7),
    "How sure it must be, from 0 to 1, for the bot to answer.",
  ),
  alwaysRespondToMentions: key(
    z.boolean().default(true),
    "Whether a mention is answered whatever the classifier says.",
  ),
});

const channel = z.strictObject({
  allow: key(z.boolean().optional(), "`false` denies the channel under every policy.", {
    example: true,
  }),
  enabled: key(z.boolean().optional(), "`false` denies the channel, as `allow` does.", {
    example: true,
  }),
  requireMention: key(
    z.boolean().optional(),
    "Whether only messages that mention the bot are answered here.",
    { unset: "as the guild", example: true },
  ),
  users: key(
    people().optional(),
    "Who may talk to the bot here, in place of the guild's list; `[]` is nobody.",
    { unset: "as the guild", example: ["123456789012345678"] },
  ),
  systemPrompt: key(z.string().optional(), "What the model is told about its work here.", {
    example: "Keep answers short.",
  }),
  skills: later(z.array(text()).optional(), "Which skills there are here; `[]` is none.", {
    unset: "all",
    example: ["search"],
  }),
  ...toolsHere("channel"),
  intentFilter: laterSection(intentFilterHere, "The intent filter for this channel.", {
    built: "denies",
    denial: INTENT_FILTER,
    example: { enabled: false },
  }),
});

export const guild = z.strictObject({
  slug: key(text().optional(), "A short name for lists and logs.", { example: "friends" }),
  requireMention: key(
    z.boolean().optional(),
    "Whether only messages that mention the bot are answered.",
    { unset: "true", example: true },
  ),
  users: key(people().optional(), "Who may talk to the bot in this guild; `[]` is nobody.", {
    unset: "everybody",
    example: ["123456789012345678", "role:123456789012345679"],
  }),
  channels: key(
    z.record(text(), channel).optional(),
    'By id, slug or name; `"*"` gives defaults. A channel that is not listed is denied.',
    { unset: "every channel", example: { help: { allow: true } } },
  ),
  reactionNotifications: later(
    z.enum(["off", "own", "all", "allowlist"]).default("own"),
    "Whose reactions are heard: nobody's, those on the bot's messages, all, those of `users`; the " +
      "agent is not told of them yet.",
  ),
  ...toolsHere("guild"),
  intentFilter: laterSection(intentFilterHere, "The intent filter for this guild.", {
    built: "denies",
    denial: INTENT_FILTER,
    example: { enabled: false },
  }),
});

const dmKeys = {
  enabled: key(z.boolean().default(true), "`false` ignores all direct messages."),
  policy: key(
    z.enum(["pairing", "allowlist", "open", "disabled"]).default("pairing"),
    "Who may write: those in `allowFrom` and those paired, those in `allowFrom`, everybody " +
      '(`allowFrom` must have `"*"`), nobody.',
  ),
  allowFrom: key(people().default([]), "Who may write, by id or name."),
  groupEnabled: key(z.boolean().default(false), "Whether the bot answers in group DMs."),
  groupChannels: key(
    z.array(
      z.string().superRefine((written, context) => {
        const entry = parseGroupEntry(written);
        if (entry.kind !== "problem") return;
        context.addIssue({
          code: "custom",
          message: entry.why,
          params: { hint: 'write an id, "channel:<id>", a slug, or "*"' },
        });
      }),
    ).optional(),
    "In which group DMs; `[]` is none.",
    { unset: "all", example: ["*"] },
  ),
};

/** As an account writes it: what it leaves out is not known yet. */
export const ownDm = () => z.strictObject(dmKeys);

export const dm = () =>
  z.strictObject(dmKeys).superRefine(({ policy, allowFrom }, context) => {
    if (policy !== "open" || allowFrom.some((entry) => entry.trim() === "*")) return;
    context.addIssue({
      code: "custom",
      path: ["policy"],
      message: 'The policy "open" lets everybody write, and must say so in allowFrom',
      params: { hint: 'add "allowFrom": ["*"] if that is meant' },
    });
  });
