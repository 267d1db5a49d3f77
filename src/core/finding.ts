/**
 * The result of a check: of the config, of the connection, of the running bot, or of its machine.
 */

export const ALERT_KINDS = ["account", "gateway", "store", "model", "backup"] as const;

export type AlertKind = typeof ALERT_KINDS[number];

/** Trouble at one moment. It becomes an alert once it has held for the time of its kind. */
export interface Trouble {
  readonly kind: AlertKind;
  /** The account or model; empty if it concerns the whole bot. */
  readonly about: string;
  /** The cause, as the end of a sentence and without any message of a person. */
  readonly cause: string;
  /** The next step, in the imperative. */
  readonly fix?: string;
}

/** An alert on record. It stays for a day after its end, to notice trouble that comes and goes. */
export interface AlertRecord extends Trouble {
  /** Unix time in milliseconds at which the trouble began. */
  readonly since: number;
  /** The same, at which it ended; absent while the alert is open. */
  readonly endedAt?: number;
  /** The same, since which the trouble of an open alert is gone; not stored. */
  readonly goneSince?: number;
  /** The same, of the last message that the owners have got; absent if none. */
  readonly toldAt?: number;
  /** The message that the owners are yet to get; absent if none. */
  readonly owed?: {
    readonly event: "begins" | "ends";
    /** Unix time in milliseconds of the next attempt. */
    readonly nextAt: number;
    /** Failed attempts. */
    readonly tries: number;
  };
  /** Why the last attempt failed; absent after a success. */
  readonly failure?: string;
  /** How often it came back within a day. */
  readonly returns: number;
}

export type FindingStatus =
  | "pass"
  /** Not wrong, or it recovers without help. */
  | "warn"
  | "fail"
  /** Another check failed, which this one needs; or it is not known yet. */
  | "skipped";

/** What a check has found. */
export interface Judgement {
  readonly status: FindingStatus;
  /** The observed fact, with its figures. */
  readonly why: string;
  /** The one next step; present whenever there is one. */
  readonly fix?: string;
}

/** The result of one check, written for the operator. */
export interface Finding extends Judgement {
  /** Stable name of the check, for `--json`: `"discord.token"`. A name may follow a colon. */
  readonly id: string;
  /** Short title of the checked thing: `"Token"`. */
  readonly what: string;
  /** Host, file, config key, account, shard or portal page to look at; absent if none helps. */
  readonly where?: string;
  /** Duration of the check in milliseconds; absent if it says nothing. */
  readonly ms?: number;
  /** Set if a message sent now would get no answer, as far as this check shows. */
  readonly isReady?: false;
  /** Set if it lasts until the operator acts. */
  readonly needsOperator?: true;
}

export type Findings = readonly Finding[];

/** The state of the whole. */
export type Status = "pass" | "warn" | "fail";

export function isTrouble({ status }: Finding): boolean {
  return status === "warn" || status === "fail";
}

/** The worst status of all: one failure fails the whole. */
export function worstStatus(findings: readonly Finding[]): Status {
  const found = new Set(findings.map(({ status }) => status));
  return found.has("fail") ? "fail" : found.has("warn") ? "warn" : "pass";
}

/**
 * Judges a figure.
 *
 * @param warnAbove A greater value is a warning; above `failAbove`, a failure.
 */
export function gradeFigure(value: number, warnAbove: number, failAbove = Infinity): Status {
  if (value > failAbove) return "fail";
  return value > warnAbove ? "warn" : "pass";
}
