/**
 * Keeps the answers of a setup that a lost connection, a crash or a problem has ended, so that the next
 * one goes on with them.
 *
 * They have neither the token nor a key: a secret that no config names is one that its owner forgets.
 * So the next setup asks for the token again, which also shows that it is about the same bot. Ctrl-C
 * removes them: it leaves nothing behind.
 */

import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { prepareDataDir } from "../../../host/files/data_dir.ts";
import { readBounded } from "../../../host/files/read_bounded.ts";
import { replaceFile } from "../../../host/files/write_file.ts";
import { EXAMPLE_NAMES, type SetupState } from "./state.ts";

const NAME = "setup.json";
const MAX_BYTES = 256 * 1_024;

const named = <Kind extends "user" | "guild" | "channel">() =>
  z.object({ id: snowflakeSchema<Kind>(), name: z.string() });

const keptSchema = z.lazy(() =>
  z.object({
    applicationId: snowflakeSchema<"application">(),
    intents: z.literal("settled").optional(),
    example: z.object({
      name: z.enum(EXAMPLE_NAMES),
      channels: z.array(named<"channel">().extend({ of: z.string() })).optional(),
    }).optional(),
    places: z.array(
      named<"guild">().extend({
        channels: z.union([z.literal("all"), z.array(named<"channel">())]).optional(),
      }),
    ).optional(),
    owner: named<"user">().optional(),
    model: z.object({
      providerId: z.string(),
      name: z.string(),
      kind: z.enum(["openai-compatible", "anthropic", "google"]),
      baseUrl: z.string().optional(),
      isPaid: z.boolean(),
      prices: z.object({ input: z.number(), output: z.number() }).optional(),
    }).optional(),
  })
);

/** Opens the kept answers of a data directory, which need not exist. */
export function openKeptAnswers(dataDir: string) {
  const path = join(dataDir, NAME);
  const isNewDir = !existsSync(dataDir);
  const text = (): string | undefined => {
    try {
      return readBounded(path, { maxBytes: MAX_BYTES });
    } catch {
      return undefined; // there is none, or it is not ours to read
    }
  };
  return {
    /** Reads the answers about an application; `undefined` if there are none. */
    read(applicationId: string): Partial<SetupState> | undefined {
      const kept = keptSchema.safeParse(jsonIn(text()));
      if (!kept.success || kept.data.applicationId !== applicationId) return undefined;
      const { applicationId: _, ...answers } = kept.data;
      return answers;
    },
    /** Replaces them, without the secrets. A failure only costs the answers. */
    keep({ bot, intents, example, places, owner, model }: SetupState): void {
      if (!bot) return;
      const { applicationId } = bot;
      const free = model && model !== "none" && model.key === undefined ? model : undefined;
      const next = JSON.stringify({ applicationId, intents, example, places, owner, model: free });
      try {
        prepareDataDir(dataDir);
        const expected = text();
        if (next !== expected) replaceFile({ path, text: next, expected });
        rmSync(`${path}.bak`, { force: true });
      } catch {
        // The setup works without them.
      }
    },
    /** Removes them, and the data directory if the setup has created it. */
    remove(): void {
      try {
        rmSync(path, { force: true });
        rmSync(`${path}.bak`, { force: true });
        if (isNewDir && existsSync(dataDir) && readdirSync(dataDir).length === 0) {
          rmdirSync(dataDir);
        }
      } catch {
        // Another program uses the directory.
      }
    },
  };
}

/** The answers of a setup before this one. */
export type KeptAnswers = ReturnType<typeof openKeptAnswers>;

function jsonIn(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
