/** What features add to an account and to the process: made, started, told of changes, and stopped. */

import type { AlertRecord } from "../core/finding.ts";
import type { UserId } from "../core/discord/ids.ts";
import type { Bot, BotAccount } from "./account.ts";
import { perAccount } from "./per_account.ts";

interface Features {
  parts: readonly AccountPart[];
  isStarted?: true;
}

const featuresOf = perAccount("main", (): Features => ({ parts: [] }));

/** Creates the parts, once, while the account is made. */
export async function loadFeatures(
  account: BotAccount,
  features: readonly BotFeature[],
): Promise<void> {
  const creates = await Promise.all(features.map(({ account: load }) => load?.()));
  featuresOf(account).parts = creates.flatMap((create) => create ? [create(account)] : []);
}

/** The account is online, perhaps again. */
export function startFeatures(account: BotAccount): void {
  const features = featuresOf(account);
  if (features.isStarted) return;
  features.isStarted = true;
  for (const part of features.parts) part.start?.();
}

/** The config has changed, or a command has changed rows. @param forgotten The person whom it has forgotten. */
export function featuresChanged(account: BotAccount, forgotten?: UserId): void {
  for (const part of featuresOf(account).parts) part.changed?.(forgotten);
}

/** Stops one part after the other; never rejects, for the core stops after them. */
export async function stopFeatures(account: BotAccount): Promise<void> {
  for (const part of featuresOf(account).parts) {
    await part.stop?.().catch((error: unknown) =>
      account.log.error("Cannot stop a feature", { error })
    );
  }
}

export interface BotFeature {
  /** Loads its part of an account, once the account connects. */
  readonly account?: () => Promise<(account: BotAccount) => AccountPart>;
  /** Watches the process, from its start on. */
  readonly watch?: (bot: Bot) => Watch;
}

/** A feature's part of an account; it takes the moments that it needs. Nothing happens before its `start`. */
export interface AccountPart {
  /** The account is online for the first time. */
  start?(): void;
  /** The config has changed, or a command has changed rows; perhaps it has forgotten a person (X5). */
  changed?(forgotten?: UserId): void;
  /** Takes no new work, and resolves once the current one has ended. */
  stop?(): Promise<void>;
}

export interface Watch {
  open(): readonly AlertRecord[];
  /** The bot ends by itself: nothing will tell the owners later. Never rejects. */
  lastLook(): Promise<void>;
  /** Ends the watch; a message under way is still sent. */
  stop(): Promise<void>;
}
