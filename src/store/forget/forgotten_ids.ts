/**
 * Remembers who was forgotten, in a file beside the database (X5).
 *
 * An older backup still has the person's data. The database cannot say who must be forgotten again
 * after a restore, because the restore replaces it. The file has no ids: with a key of its own, each
 * id becomes a hash. So a copy of the file alone names no one, and two bots' files cannot be compared.
 * Who has the file can test a known id; that is what the file is for.
 */

import { createHmac, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";

const KEY_BYTES = 32;

const lineSchema = z.lazy(() => z.object({ key: z.string(), hash: z.string(), at: z.number() }));

type ForgottenId = z.infer<typeof lineSchema>;

/** Adds a person, before the transaction that forgets them is stored. */
export function noteForgotten(file: string, userId: UserId, now: number): void {
  const key = readForgotten(file).at(-1)?.key ?? randomBytes(KEY_BYTES).toString("hex");
  const line: ForgottenId = { key, hash: hashOf(key, userId), at: now };
  appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
}

function hashOf(key: string, id: string): string {
  return createHmac("sha256", key).update(id).digest("hex");
}

/** A line that a crash has cut is left out. */
function readForgotten(file: string): readonly ForgottenId[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").flatMap((line) => {
    try {
      const { data } = lineSchema.safeParse(JSON.parse(line));
      return data ? [data] : [];
    } catch {
      return [];
    }
  });
}

/** Joins the lists of several files, each entry once. */
export function joinedForgotten(files: readonly string[]): string {
  const lines = new Set(
    files.flatMap((file) => readForgotten(file).map((line) => JSON.stringify(line))),
  );
  return [...lines].map((line) => `${line}\n`).join("");
}

const ID = /(?<!\d)\d{15,20}(?!\d)/g;

/**
 * Finds people in a database who were forgotten after a time. It looks at every text, because ids
 * stand within messages, too.
 */
export function forgottenIn(database: string, file: string, since: number): readonly UserId[] {
  const byKey = Map.groupBy(
    readForgotten(file).filter(({ at }) => at >= since),
    ({ key }) => key,
  );
  if (byKey.size === 0) return [];
  const keys = Array.from(byKey, ([key, lines]) => ({
    key,
    hashes: new Set(lines.map(({ hash }) => hash)),
  }));
  const seen = new Set<string>();
  const found: UserId[] = [];
  for (const text of textsIn(database)) {
    for (const [digits] of text.matchAll(ID)) {
      if (seen.has(digits)) continue;
      seen.add(digits);
      const id = parseSnowflake<"user">(digits);
      if (id && keys.some(({ key, hashes }) => hashes.has(hashOf(key, id)))) found.push(id);
    }
  }
  return found;
}

function* textsIn(path: string): Generator<string> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
    ).all().map(({ name }) => String(name));
    for (const table of tables) {
      for (const row of database.prepare(`SELECT * FROM "${table}"`).iterate()) {
        for (const value of Object.values(row)) if (typeof value === "string") yield value;
      }
    }
  } finally {
    database.close();
  }
}
