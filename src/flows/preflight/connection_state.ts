/**
 * Keeps the state of everything that the bot needs outside: the network, the token, the intents that
 * the portal grants, and the model.
 *
 * The preflight checks all of it with the code of `barnacle doctor`, without a second connection to
 * the gateway.
 */

import { isDeepStrictEqual } from "node:util";
import type { Account } from "../../core/account/account.ts";
import type { ApplicationId, UserId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { ApplicationAnswer, StoredAccount } from "../../core/store/gateway.ts";
import {
  type DiscordFacts,
  judgeDiscord,
  type MissingIntent,
  missingIntentFindings,
} from "./discord.ts";
import { judgeNetwork, type NetworkFacts } from "./network.ts";
import { createPreflight, type PreflightResult } from "./preflight.ts";

/** The part of Discord's answer about the application that later decisions need. */
interface ReadApplication {
  readonly id: ApplicationId;
  /** The owner and the whole team. */
  readonly ownerIds: readonly UserId[];
}

/** Fetches the facts that the checks judge. */
interface Inquiries {
  readonly network: () => Promise<NetworkFacts>;
  readonly discord: () => Promise<DiscordFacts>;
  /** Checks the agents' current models, without a question; a reload may change them. */
  readonly models: () => Promise<readonly Finding[]>;
}

/** Milliseconds from a start to the first check; longer if the bot was connected within the day. */
const FIRST_LOOK_MS = 250;
const TRUSTED_LOOK_MS = 3_000;

/** Creates the account's connection state; `start` schedules its first check. */
export function createConnectionState(
  { schedule, now, log }: Pick<Account, "schedule" | "now" | "log">,
  { isEnabled, stored, events, readApplication, saveOwners, examine }: {
    /** `preflight.network`. */
    readonly isEnabled: boolean;
    /** The account's rows of the last process. */
    readonly stored: Pick<StoredAccount, "self" | "ownerId" | "ownerIds" | "readyAt">;
    readonly events: Parameters<typeof createPreflight>[2]["events"];
    readonly readApplication: () => Promise<
      ApplicationAnswer & ReadApplication
    >;
    /** Stores the application's owner and whole team, for the next start. */
    readonly saveOwners: (ownerIds: readonly UserId[]) => Promise<void>;
    /** `discord` also has the application's id, if Discord has told it. */
    readonly examine: Pick<Inquiries, "network" | "models"> & {
      readonly discord: () => Promise<{
        readonly facts: DiscordFacts;
        readonly application?: ReadApplication;
      }>;
    };
  },
) {
  let applicationId: ApplicationId | undefined = stored.self?.applicationId;
  let applicationOwner: UserId | undefined = stored.ownerId;
  let team = stored.ownerIds ?? (stored.ownerId === undefined ? [] : [stored.ownerId]);
  let storedTeam: readonly UserId[] = stored.ownerIds ?? [];
  let ungranted: readonly Finding[] = [];
  const preflight = createPreflight(
    {
      now: now(),
      firstLookMs: FIRST_LOOK_MS,
      trustedLookMs: TRUSTED_LOOK_MS,
      readyAt: stored.readyAt,
    },
    { schedule, log },
    { check: look, events },
  );

  async function look(): Promise<PreflightResult> {
    const asking = examine.discord().then(({ facts, application }) => {
      applicationId = application?.id ?? applicationId;
      if (application) noteTeam(application.ownerIds);
      return facts;
    });
    const [network, facts, models] = await Promise.all([
      examine.network(),
      asking,
      examine.models(),
    ]);
    return {
      findings: [...judgeNetwork(network, now()), ...judgeDiscord(facts, now()), ...models],
      isRefused: facts.application?.kind === "refused",
    };
  }

  function noteTeam(ownerIds: readonly UserId[]): void {
    team = ownerIds;
    if (isDeepStrictEqual(new Set(ownerIds), new Set(storedTeam))) return;
    saveOwners(ownerIds).then(() => void (storedTeam = ownerIds), (error: unknown) => {
      log.warn("Cannot store the team of the application", { error });
    });
  }

  return {
    /** Schedules the first check, in parallel with connecting. */
    start(): void {
      if (isEnabled) preflight.start();
    },
    /** The config has changed, perhaps with another model: checks again. */
    reconfigured(): void {
      if (isEnabled) preflight.again();
    },
    /** Reads the application's current flags and owner. */
    async readApplication(): Promise<ApplicationAnswer> {
      const { flags, id, ownerId, ownerIds } = await readApplication();
      applicationId = id;
      team = ownerIds;
      applicationOwner = ownerId;
      return { flags, ownerId: ownerId || undefined, ownerIds };
    },
    /** The application's owner as last read, in this run or an earlier one. */
    applicationOwner: (): UserId | undefined => applicationOwner,
    /** The owner and the whole team as last read, in this run or an earlier one. */
    applicationOwners: (): readonly UserId[] => team,
    /** Reports the intents left out of the IDENTIFY because the portal does not grant them. */
    setUngranted(missing: readonly MissingIntent[]): void {
      ungranted = missingIntentFindings(missing, applicationId);
      for (const { id, what, why, fix } of ungranted) {
        if (preflight.findings().some((one) => one.id === id)) continue; // the gateway has reported it
        log.warn(`${what}: ${why}`, { id, ...(fix !== undefined && { fix }) });
      }
    },
    /** As warnings: other checks show whether the bot answers. */
    findings(): readonly Finding[] {
      const ids = new Set(ungranted.map(({ id }) => id));
      return [...preflight.findings().filter(({ id }) => !ids.has(id)), ...ungranted]
        .map((finding) => ({ ...finding, status: "warn" }));
    },
    stop: (): void => preflight.stop(),
  };
}
