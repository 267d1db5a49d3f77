/**
 * Joins the stores of all partitions of a bot, wherever their processes are (O16): commands and the
 * dashboard of each process show the same, and change the same.
 */

import { z } from "zod";
import type { Partition } from "../../core/discord/partition.ts";
import type { Store } from "../../core/store/store.ts";
import type { Log } from "../../lib/log.ts";
import { joinStores, type PartStore } from "../../store/shared/joined_store.ts";
import { elsewherePart, type ReadPart, readPart } from "../../store/shared/part_reads.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { askedStore, readAnswer, toRequest } from "../shared/store_calls.ts";
import { AskError, type AskPartition, wholeAnswer } from "./asker.ts";

/** Milliseconds for a read of another process's partition. */
const READ_MS = 5_000;
/** Milliseconds for a change there. */
const CHANGE_MS = 20_000;

const readSchema = z.tuple([z.int(), z.string(), z.array(z.unknown())]);

/** The processes that share the partitions of a bot. */
export interface StoreFleet {
  /** Number of partitions of the bot. */
  readonly count: number;
  /** The partitions that this process owns. */
  readonly parts: () => readonly PartStore[];
  readonly ask: AskPartition;
}

/** The processes that have the partitions. */
export interface WaitingFleet {
  /** Number of partitions of the bot. */
  readonly count: number;
  readonly ask: AskPartition;
  /** Differs after each change of any partition. */
  readonly writes: () => number;
  /** Why PostgreSQL does not answer; `undefined` if it does. */
  readonly problem: () => string | undefined;
  /** The partitions that no process runs now. */
  readonly ownerless: () => readonly number[];
}

/**
 * Creates the joined store.
 *
 * @param kept The store of a partition that this process keeps; `ownNothing()` if it has none.
 */
export function createFleetStore(kept: Store, fleet: StoreFleet, log: Log) {
  const { count, parts, ask } = fleet;

  async function asked(index: number, question: object, limitMs: number): Promise<string> {
    const signal = AbortSignal.timeout(limitMs);
    try {
      return await wholeAnswer(ask(index, JSON.stringify(question), signal));
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      const why = error.kind === "aborted"
        ? `the process that owns these data does not answer within ${limitMs / 1_000} s`
        : error.message;
      throw new StartError(why, EXIT.tryAgain, error);
    }
  }

  const readOf = (index: number): ReadPart => (name, args) =>
    asked(index, { do: "read", name, args }, READ_MS);

  const others = Array.from({ length: count }, (_, index): PartStore => {
    const base = askedStore(kept, async (name, args) => {
      const { text, files } = toRequest(name, args);
      if (files.length > 0) {
        throw new StartError(
          "files cannot be sent from a process that owns no data of the bot; use one that owns some",
          EXIT.tryAgain,
        );
      }
      return readAnswer(await asked(index, { do: "command", text }, CHANGE_MS));
    });
    return {
      partition: { index, count },
      store: elsewherePart(base, readOf(index)),
      isElsewhere: true,
    };
  });

  function all(): readonly PartStore[] {
    const own = parts();
    return others.map((other) =>
      own.find(({ partition }) => partition.index === other.partition.index) ?? other
    );
  }

  /** Direct messages, and so requests to be paired, are in partition 0. */
  const first = parts().length > 0 ? kept : others[0]?.store ?? kept;
  return {
    store: joinStores(first, all, ({ index }: Partition, error) => {
      log.warn("Cannot read the partition of another process", { partition: index, error });
    }),
    /** Carries out `partition.read` of a command. */
    async read(given: unknown): Promise<string> {
      const [index, name, args] = readSchema.parse(given);
      const own = parts().find(({ partition }) => partition.index === index);
      return own ? await readPart(own.store, name, args) : await readOf(index)(name, args);
    },
  };
}
