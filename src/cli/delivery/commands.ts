/**
 * The commands of what goes out: `send`, and `outbox` with what it does.
 *
 * @module
 */

import { buildCommand, buildRouteMap } from "@stricli/core";
import process from "node:process";
import { ACCOUNT, COMMON, end, NOT_USED, path, word } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { processIo } from "../shared/io.ts";
import type { OutboxFlags } from "./outbox.ts";
import type { SendFlags } from "./send.ts";

export const send = buildCommand<SendFlags, [target: string, text?: string]>({
  docs: {
    brief: "Put a message into the outbox, and wait until Discord has it",
    fullDescription: "Put a message into the outbox, and wait until Discord has it.\n\n" +
      "A target is channel:<id>, user:<id>, <#id>, <@id>, or a link to a channel or message.\n" +
      "It ends with 0 (sent), 1 (Discord refuses it), 2 (the command line), 75 (it waits), 77 or 78.\n\n" +
      'Example: barnacle send channel:123456789012345678 "The backup is done" --file report.pdf',
  },
  parameters: {
    flags: {
      ...COMMON,
      account: ACCOUNT,
      file: {
        kind: "parsed",
        parse: String,
        brief: "A file to attach; may be said several times",
        variadic: true,
        optional: true,
        placeholder: "path",
      },
      alt: {
        kind: "parsed",
        parse: String,
        brief: "What a file shows, for those who do not see it; in the order of the files",
        variadic: true,
        optional: true,
        placeholder: "text",
      },
      wait: {
        kind: "parsed",
        parse: toSeconds,
        brief: "Seconds until the rest is left to the bot",
        default: "30",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        word("Where to", "target"),
        { ...word("What to say; - reads it from stdin", "text"), optional: true },
      ],
    },
  },
  async func(flags: SendFlags, target: string, words?: string) {
    const [{ send }, { text }] = await Promise.all([
      import("./send.ts"),
      import("node:stream/consumers"),
    ]);
    await end(this, send(flags, { target, text: words }, processIo(), () => text(process.stdin)));
  },
});

function releaseCommand(how: "resend" | "drop", brief: string) {
  return buildCommand<CommonFlags, number[]>({
    docs: { brief, fullDescription: `${brief}.\n\nExample: barnacle outbox ${how} 12` },
    parameters: {
      flags: { ...COMMON, config: path(NOT_USED) },
      positional: {
        kind: "array",
        parameter: { parse: toRow, brief: "As `barnacle outbox list` shows it", placeholder: "id" },
        minimum: 1,
      },
    },
    async func(flags: CommonFlags, ...ids: number[]) {
      const { release } = await import("./outbox.ts");
      await end(this, release(how, flags, ids, processIo()));
    },
  });
}

export const outbox = buildRouteMap({
  docs: { brief: "What Discord does not have yet, and why" },
  routes: {
    list: buildCommand({
      docs: {
        brief: "List each message that is not sent",
        fullDescription: "List each message that is not sent.\n\nExample: barnacle outbox list",
      },
      parameters: {
        flags: {
          ...COMMON,
          config: path(NOT_USED),
          account: { ...ACCOUNT, brief: "One bot's only; all if absent" },
        },
      },
      async func(flags: OutboxFlags) {
        const { list } = await import("./outbox.ts");
        await end(this, list(flags, processIo()));
      },
    }),
    resend: releaseCommand("resend", "Send messages again that are held or given up"),
    drop: releaseCommand("drop", "Give messages up that are not sent"),
  },
  defaultCommand: "list",
});

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && text.trim() !== "") return seconds;
  throw new RangeError(`"${text}" is no number of seconds`);
}

function toRow(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is no number of a message; \`barnacle outbox list\` shows them`);
}
