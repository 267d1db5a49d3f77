/**
 * Reads the config again at SIGHUP, and says what it found (C9).
 *
 * Nothing is applied while the bot runs yet. But who has changed the file learns
 * by `systemctl reload` whether a restart with it would work, before the bot that
 * works is stopped. Whatever is in the file, this ends nothing.
 *
 * @module
 */

import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import type { Loaded } from "../config/load.ts";
import { Secret } from "../config/secrets.ts";
import type { Log } from "../lib/log.ts";

/** The config that runs; `settings` as the file was checked, with defaults. */
type Running = Extract<Loaded, { readonly kind: "loaded" }>;

export interface ReloadPorts {
  /** Finds, reads and checks the file again. */
  readonly read: () => Promise<Loaded>;
  readonly running: Running;
  /** For the service manager, before and after. */
  readonly onBegin: () => void;
  readonly onEnd: () => void;
  readonly log: Log;
}

/** Reads the config again; a call while one is under way makes it read once more. */
export function createReload(ports: ReloadPorts): () => Promise<void> {
  let isWanted = false;
  let reading: Promise<void> | undefined;

  async function readAll(): Promise<void> {
    ports.onBegin();
    try {
      while (isWanted) {
        isWanted = false;
        await readOnce(ports);
      }
    } finally {
      ports.onEnd();
      reading = undefined;
    }
  }

  return () => {
    isWanted = true;
    return reading ??= readAll();
  };
}

/**
 * Reads the config again at each SIGHUP.
 *
 * @returns Takes no more of them; a SIGHUP then still ends nothing.
 */
export function reloadAtHangup(reload: () => Promise<void>): () => void {
  let isOn = true;
  process.on("SIGHUP", () => {
    if (isOn) void reload();
  });
  return () => void (isOn = false);
}

async function readOnce({ read, running, log }: ReloadPorts): Promise<void> {
  const loaded = await read().catch((error: unknown) => {
    log.error("The config cannot be read again", { error });
  });
  if (!loaded) return;
  for (const { severity, path, line, message, hint } of loaded.problems) {
    log[severity === "error" ? "error" : severity === "warning" ? "warn" : "info"](message, {
      key: path,
      ...(line !== undefined && { line }),
      ...(hint !== undefined && { hint }),
    });
  }
  if (loaded.kind === "refused") {
    log.error("The config as it is now is not valid; the one that was read at the start stays");
    return;
  }
  const changed = changedKeys(running.settings, loaded.settings);
  if (changed.length === 0) log.info("The config is valid, and as it was");
  else {
    log.info("The config is valid, and takes effect at the next start", {
      changed: changed.join(", "),
    });
  }
}

/** The sections that differ. */
function changedKeys(before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => !isSame(old.get(key), now.get(key)));
}

/** A secret that stands in the file shows nothing of itself, not even that it is another one. */
function isSame(before: unknown, after: unknown): boolean {
  if (before instanceof Secret && after instanceof Secret) {
    return before.reveal() === after.reveal();
  }
  if (!isSection(before) || !isSection(after)) return isDeepStrictEqual(before, after);
  return changedKeys(before, after).length === 0;
}

function isSection(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype;
}
