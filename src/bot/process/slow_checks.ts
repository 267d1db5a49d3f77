/** Runs the checks of the running bot that read the disk and the store: at most once a minute. */

import type { Bot } from "../../account/account.ts";
import type { Finding } from "../../core/finding.ts";
import { hostingOf, judgeBackups, judgeDisk, judgeRuns } from "../../flows/preflight/host.ts";
import { isThere, readDisk } from "../../host/limits/program_bounds.ts";
import { readBootId } from "../../host/process/boot.ts";
import { DAY_MS } from "../../lib/clock.ts";

const FRESH_MS = 60_000;
/** Milliseconds after which a bot that was often killed counts as well again. */
const WELL_MS = 3_600_000;

/** Creates the checks; they reject if the store cannot be read. */
export function createSlowChecks(bot: Bot): () => Promise<readonly Finding[]> {
  const { store, dataDir, env, now } = bot;
  const startedAt = now();
  let last: { readonly findings: readonly Finding[]; readonly at: number } | undefined;
  let runs: Finding | undefined;
  return async () => {
    const at = now();
    if (last && at - last.at < FRESH_MS) return last.findings;
    const { backup } = bot.setup.config;
    runs ??= judgeRuns(
      (await store.gateway.runs(at - DAY_MS)).slice(0, -1),
      at,
      readBootId(),
      hostingOf(env),
    );
    const backups = await store.settings.backups();
    const findings = [
      ...judgeDisk(await readDisk(dataDir)),
      at - startedAt < WELL_MS ? runs : { ...runs, status: "pass" as const },
      judgeBackups(backups, backup, at, await isThere(backups.made?.path ?? "")),
    ];
    last = { findings, at };
    return findings;
  };
}
