/**
 * The commands of who may talk to the bot: `why`, `access` and `pairing`.
 *
 * @module
 */

import { buildCommand, buildRouteMap } from "@stricli/core";
import type { AccessEventKind } from "../../policy/authorize.ts";
import type { CommandNeeds } from "../../policy/rules.ts";
import type { MatrixFlags } from "./matrix.ts";
import type { ResolveFlags } from "./resolve.ts";
import type { AccessTestFlags } from "./try.ts";
import {
  ACCOUNT,
  COMMON,
  end,
  flag,
  NOT_USED,
  path,
  showsColours,
  word,
} from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { processIo } from "../shared/io.ts";
import type { PairingFlags } from "../pairing/pairing.ts";

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder }) as const;

/** Of those that look at all accounts unless one is named. */
const ONE_ACCOUNT = { ...ACCOUNT, brief: "One bot of channels.discord.accounts; all if absent" };

export const why = buildCommand<CommonFlags, [asked: string]>({
  docs: {
    brief: "Why a message was answered, or was not",
    fullDescription:
      "Why a message was answered, or was not: each check with its fact and rule.\n\n" +
      "It takes a message's link or id, the id or link of an answer, or the id of a failure.\n" +
      "It ends with 0 (explained), 1 (nothing is on record; it says what can be the cause), 2 or 74.\n\n" +
      "Example: barnacle why https://discord.com/channels/123/456/789",
  },
  parameters: {
    flags: COMMON,
    positional: { kind: "tuple", parameters: [word("What to explain", "link or id")] },
  },
  async func(flags: CommonFlags, asked: string) {
    const { why } = await import("../why/why.ts");
    await end(this, why(flags, asked, processIo(), showsColours()));
  },
});

const EVENTS: readonly AccessEventKind[] = [
  "message",
  "edit",
  "reaction",
  "button",
  "select",
  "modal",
  "slash",
  "thread_create",
];
const NEEDS: readonly CommandNeeds[] = ["everybody", "session", "owner", "approver"];

const test = buildCommand<AccessTestFlags>({
  docs: {
    brief: "Try the rules on something that did not happen",
    fullDescription: "Try the rules on something that did not happen.\n\n" +
      "A channel is dm, group, a link, an id, #name or guild/name. It ends with 0 (the bot would\n" +
      "answer), 1 (it would not), 3 (not as far as is known: something is missing), 2 or 78.\n\n" +
      'Example: barnacle access test --user ada --channel help --text "hello" --mention',
  },
  parameters: {
    flags: {
      ...COMMON,
      user: text("Who: an id, <@id> or a username", "user"),
      channel: text("Where", "channel"),
      text: { ...text("What they say; a word if absent", "text"), optional: true },
      reply: flag("It answers a message of the bot's"),
      mention: flag("It mentions the bot"),
      bot: flag("They are a bot"),
      manager: flag("They may manage messages there"),
      role: {
        ...text("A role that they have, by id or name; may be said several times", "role"),
        variadic: true,
        optional: true,
      },
      event: { kind: "enum", values: EVENTS, brief: "What they do", default: "message" },
      on: {
        kind: "enum",
        values: ["own", "other"],
        brief: "Of a reaction: on the bot's own message, or another's",
        default: "own",
      },
      needs: {
        kind: "enum",
        values: NEEDS,
        brief: "Of a command or a button: who may use it",
        default: "everybody",
      },
      account: ACCOUNT,
      offline: flag("Ask Discord nothing"),
    },
  },
  async func(flags: AccessTestFlags) {
    const { accessTest } = await import("./try.ts");
    await end(this, accessTest(flags, processIo(), showsColours()));
  },
});

const matrix = buildCommand<MatrixFlags>({
  docs: {
    brief: "Print who may do what where",
    fullDescription: "Print who may do what where, by the config as it is now.\n\n" +
      "Example: barnacle access matrix",
  },
  parameters: { flags: { ...COMMON, account: ONE_ACCOUNT } },
  async func(flags: MatrixFlags) {
    const { accessMatrix } = await import("./matrix.ts");
    await end(this, accessMatrix(flags, processIo()));
  },
});

const resolve = buildCommand<ResolveFlags>({
  docs: {
    brief: "Find the ids behind the names in the config",
    fullDescription:
      "Find the ids behind the names in the config: exact and unique ones only.\n\n" +
      "It ends with 0 (all are ids), 3 (some stay names), 75, 77 or 78.\n\n" +
      "Example: barnacle access resolve --write",
  },
  parameters: {
    flags: {
      ...COMMON,
      account: ONE_ACCOUNT,
      write: flag("Put the ids into the config, with the names as comments"),
      offline: flag("Ask Discord nothing: only what a running bot has found"),
    },
  },
  async func(flags: ResolveFlags) {
    const { accessResolve } = await import("./resolve.ts");
    await end(this, accessResolve(flags, processIo()));
  },
});

export const access = buildRouteMap({
  docs: { brief: "Who may talk to the bot" },
  routes: { test, matrix, resolve },
});

function decideCommand(how: "approve" | "deny", brief: string, codes: string) {
  return buildCommand<PairingFlags, string[]>({
    docs: {
      brief,
      fullDescription: `${brief}.\n\n${codes}\n\nExample: barnacle pairing ${how} K7XQ2MPR`,
    },
    parameters: {
      flags: { ...COMMON, account: ONE_ACCOUNT },
      positional: {
        kind: "array",
        parameter: word("The code, or discord and the code", "code"),
        minimum: 1,
        maximum: 4,
      },
    },
    async func(flags: PairingFlags, ...words: string[]) {
      const { decide } = await import("../pairing/pairing.ts");
      await end(this, decide(how, flags, words, processIo()));
    },
  });
}

export const pairing = buildRouteMap({
  docs: { brief: "Let strangers write to the bot, or not" },
  routes: {
    list: buildCommand<PairingFlags>({
      docs: {
        brief: "List who waits to be let in, and who was",
        fullDescription:
          "List who waits to be let in, and who was.\n\nExample: barnacle pairing list",
      },
      parameters: { flags: { ...COMMON, config: path(NOT_USED), account: ONE_ACCOUNT } },
      async func(flags: PairingFlags) {
        const { list } = await import("../pairing/pairing.ts");
        await end(this, list(flags, processIo()));
      },
    }),
    approve: decideCommand(
      "approve",
      "Let somebody in who has a code",
      "It ends with 0, 1 (no such code, or it has expired) or 75 (too many codes were wrong).",
    ),
    deny: decideCommand(
      "deny",
      "Turn somebody away who has a code",
      "It ends with 0, 1 (no such code, or it has expired) or 75 (too many codes were wrong).",
    ),
    revoke: buildCommand<PairingFlags, [user: string]>({
      docs: {
        brief: "Make somebody a stranger again, from their next message on",
        fullDescription: "Make somebody a stranger again, from their next message on.\n\n" +
          "Example: barnacle pairing revoke 123456789012345678",
      },
      parameters: {
        flags: { ...COMMON, config: path(NOT_USED), account: ONE_ACCOUNT },
        positional: { kind: "tuple", parameters: [word("Their id", "user")] },
      },
      async func(flags: PairingFlags, user: string) {
        const { revoke } = await import("../pairing/pairing.ts");
        await end(this, revoke(flags, user, processIo()));
      },
    }),
  },
  defaultCommand: "list",
});
