/** The commands of `barnacle store`: their options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { COMMON, text } from "../shared/command.ts";
import type { MoveFlags } from "./move.ts";

const move = describeCommand<MoveFlags>({
  brief: "Move the store to PostgreSQL, or back into a file",
  notes: [
    "The bot must be stopped, on all machines. Nothing is deleted where the store comes from.",
    "With store.partitions, divides the store: each partition gets the rows of its guilds. The way back " +
    "joins all partitions into one file.",
    "Compares both copies at the end. Use it again after an interruption: it goes on.",
    "An address on the command line is visible to other users of the machine; - reads stdin.",
  ],
  examples: [
    "barnacle store move --to postgres://bot@db.home/barnacle",
    "barnacle store move --to - < address",
    "barnacle store move --to sqlite",
  ],
  exits: {
    failed: "both copies differ",
    io: "disk full or database error",
    tryAgain: "a bot or a standby runs, there is no store, or PostgreSQL does not answer",
    config: true,
  },
  parameters: {
    flags: {
      ...COMMON,
      to: text(
        "Address of PostgreSQL, or `sqlite`: from store.url into the data directory",
        "place",
      ),
    },
  },
  async run(flags, io) {
    const { move } = await import("./move.ts");
    return await move(flags, io);
  },
});

/** `barnacle store …` */
export const store: CliGroup = describeGroup("Move the store", { move });
