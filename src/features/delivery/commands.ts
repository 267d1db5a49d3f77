/** The commands for outgoing messages, `send` and `outbox …`: their options and help. */

import {
  type CliCommand,
  type CliGroup,
  describeCommand,
  describeGroup,
} from "../../cli/help/command_help.ts";
import {
  ACCOUNT,
  type AccountFlags,
  BOT_COMMON,
  type CommonFlags,
  ONE_ACCOUNT,
  path,
  readStdin,
  rowNumber,
  text,
  UNUSED_PATH,
  word,
} from "../../cli/shared/command.ts";
import type { SendFlags } from "./send.ts";

export const send: CliCommand = describeCommand<SendFlags, string[]>({
  brief: "Send a message as the running bot, and wait until Discord has it",
  examples: [
    'barnacle send channel:123456789012345678 "Backup is done" --file report.pdf',
    "barnacle send general Backup is done",
    "uptime | barnacle send user:123456789012345678 -",
  ],
  exits: {
    done: "delivered",
    failed: "rejected by Discord, or delivery uncertain",
    io: true,
    tryAgain: "no bot runs, still in the outbox, or another temporary problem",
    refused: true,
    config: true,
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      account: ACCOUNT,
      file: { ...path("File to attach"), variadic: true },
      alt: {
        ...text("Description of a file, in the order of the files", "text"),
        variadic: true,
        optional: true,
      },
      wait: {
        kind: "parsed",
        parse: toSeconds,
        brief: "Seconds to wait for delivery before exiting; a running bot delivers the rest",
        placeholder: "seconds",
        default: "30",
      },
    },
    positional: {
      kind: "array",
      parameter: word(
        "Channel or @person, by name, id or link; then the text, - for stdin",
        "target",
      ),
      minimum: 1,
    },
  },
  async run(flags: SendFlags, io, target = "", ...words: string[]) {
    const { send } = await import("./send.ts");
    return await send(flags, { target, text: words.join(" ") }, io, readStdin);
  },
});

function releaseCommand(how: "resend" | "drop", brief: string) {
  return describeCommand<CommonFlags, number[]>({
    brief,
    examples: [`barnacle outbox ${how} 12`],
    exits: { failed: "a message could not be changed", io: true, tryAgain: true },
    parameters: {
      flags: { ...BOT_COMMON, config: UNUSED_PATH },
      positional: { kind: "array", parameter: rowNumber("barnacle outbox list"), minimum: 1 },
    },
    run: async (flags, io, ...ids) => (await import("./outbox.ts")).release(how, flags, ids, io),
  });
}

export const outbox: CliGroup = describeGroup("List, resend or drop unsent messages", {
  list: describeCommand<AccountFlags>({
    brief: "List unsent messages, with the reason",
    examples: ["barnacle outbox list"],
    exits: { io: true, tryAgain: true },
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
    run: async (flags, io) => (await import("./outbox.ts")).list(flags, io),
  }),
  resend: releaseCommand("resend", "Send uncertain or failed messages again"),
  drop: releaseCommand("drop", "Delete unsent messages"),
}, "list");

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && text.trim() !== "") return seconds;
  throw new RangeError(`"${text}" is not a number of seconds`);
}
