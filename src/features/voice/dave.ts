/**
 * Keeps the end-to-end encryption of a call (DAVE): the group of its people, whose keys change when one
 * of them comes or goes. A library does the cryptography; this machine answers the server.
 *
 * Until the group is ready, nothing is sent: the server could hear it.
 *
 * @see {@link https://daveprotocol.com/#voice-gateway-opcodes}
 */

import { Buffer } from "node:buffer";
import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import type { UserId } from "../../core/discord/ids.ts";
import { type ServerMessage } from "./link.ts";

/** The library's session of one call. */
export interface DaveSession {
  readonly ready: boolean;
  setExternalSender(sender: Buffer): void;
  getSerializedKeyPackage(): Buffer;
  processProposals(
    operation: 0 | 1,
    proposals: Buffer,
    people: readonly string[],
  ): { readonly commit?: Buffer; readonly welcome?: Buffer } | null;
  processCommit(commit: Buffer): void;
  processWelcome(welcome: Buffer): void;
  encryptOpus(frame: Buffer): Buffer;
  decrypt(userId: string, media: 0, frame: Buffer): Buffer;
  setPassthroughMode(isOn: boolean, forSec?: number): void;
  reinit(version: number, userId: string, channelId: string): void;
  reset(): void;
}

export type CreateDaveSession = (version: number, userId: string, channelId: string) => DaveSession;

/** Opus's silence, which the server itself may send. */
export const SILENCE: Uint8Array = Uint8Array.of(0xf8, 0xff, 0xfe);
/** People that the server can name: more are in no call. */
export const MAX_PEOPLE = 10_000;
/** Seconds for which unencrypted sound is taken after a transition. */
const PASSTHROUGH_SEC = 10;
/** Milliseconds that a group may take to be ready, while there are others; and tries of it. */
export const GROUP_MS = 15_000;
const MAX_TRIES = 3;
/** Frames in a row that cannot be decrypted, after which the group is joined anew; twice as many next time. */
const MAX_UNREADABLE = 50;

export function createDave({ userId, channelId, createSession, send, sendBytes, failed }: {
  readonly userId: string;
  readonly channelId: string;
  readonly createSession: CreateDaveSession;
  readonly send: (op: number, d: unknown) => void;
  readonly sendBytes: (op: number, content: Uint8Array) => void;
  /** It could not be set up, also not anew. */
  readonly failed: () => void;
}) {
  const people = new Set<string>();
  /** The last transition that is announced; a newer one replaces it. */
  let pending: { readonly id: number; readonly next: number } | undefined;
  let session: DaveSession | undefined;
  let sender: Buffer | undefined;
  let version = 0;
  let lastTransition = 0;
  let unreadable = 0;
  let tolerance = MAX_UNREADABLE;
  let tries = 0;
  /** Whether messages of the group that we left may still come. */
  let isRejoining = false;
  /** What we sent last about proposals, until a commit comes. */
  let proposed: Uint8Array | undefined;
  let pendingMs: number | undefined;

  /** Begins a group of our own, which the server joins with those of others. */
  function begin(wanted: number): void {
    version = wanted;
    unreadable = 0;
    pendingMs = proposed = undefined;
    try {
      if (version === 0) {
        session?.reset();
        session?.setPassthroughMode(true, PASSTHROUGH_SEC);
      } else {
        if (session) session.reinit(version, userId, channelId);
        else session = createSession(version, userId, channelId);
        if (sender) session.setExternalSender(sender);
        sendBytes(OP.DaveMlsKeyPackage, session.getSerializedKeyPackage());
      }
    } catch {
      failed(); // a version that the library does not know, or a wrong sender
    }
  }

  function recover(): void {
    send(OP.DaveMlsInvalidCommitWelcome, { transition_id: lastTransition });
    isRejoining = true;
    begin(version);
  }

  function execute(id: number): void {
    if (pending?.id !== id) return;
    const { next } = pending;
    pending = undefined;
    if (version === 0 && next > 0) session?.setPassthroughMode(true, PASSTHROUGH_SEC);
    version = next;
  }

  function prepare(id: number, next: number): void {
    lastTransition = id;
    pending = { id, next };
    if (id === 0) return execute(id);
    if (next === 0) session?.setPassthroughMode(true, GROUP_MS / 1_000);
    send(OP.DaveTransitionReady, { transition_id: id });
  }

  /** Takes a commit or a welcome of the server; one that does not fit makes us join anew. */
  function advance(content: Uint8Array, change: (mls: Buffer) => void): void {
    const bytes = Buffer.from(content);
    const id = lastTransition = bytes.readUInt16BE();
    try {
      change(bytes.subarray(2));
    } catch {
      return isRejoining ? undefined : recover(); // the answer to our new key package follows
    }
    isRejoining = false;
    proposed = undefined;
    tries = 0;
    if (id !== 0) prepare(id, version);
  }

  function answerProposals([operation, ...content]: Uint8Array): void {
    try {
      const known = [userId, ...people];
      const kind = operation === 1 ? 1 : 0;
      const answer = session?.processProposals(kind, Buffer.from(content), known);
      if (!answer?.commit) return;
      proposed = Buffer.concat([answer.commit, answer.welcome ?? new Uint8Array()]);
      sendBytes(OP.DaveMlsCommitWelcome, proposed);
    } catch {
      // Of people who are not in the call, or for an earlier group: another member commits them.
    }
  }

  const isReady = () => version === 0 || session?.ready === true;

  return {
    start: begin,
    receive(message: ServerMessage): void {
      switch (message.op) {
        case OP.ClientsConnect:
          for (const id of message.d.user_ids) {
            if (id !== userId && people.size < MAX_PEOPLE) people.add(id);
          }
          return;
        case OP.ClientDisconnect:
          return void people.delete(message.d.user_id);
        case OP.DavePrepareTransition:
          return prepare(message.d.transition_id, message.d.protocol_version);
        case OP.DaveExecuteTransition:
          return execute(message.d.transition_id);
        case OP.DavePrepareEpoch:
          return message.d.epoch === 1 ? begin(message.d.protocol_version) : undefined;
        case OP.DaveMlsExternalSender:
          sender = Buffer.from(message.content); // also before the session, and for each new group
          try {
            return session?.setExternalSender(sender);
          } catch {
            return; // it is for the next group, or wrong, which shows there
          }
        case OP.DaveMlsProposals:
          return answerProposals(message.content);
        case OP.DaveMlsAnnounceCommitTransition:
          return advance(message.content, (commit) => session?.processCommit(commit));
        case OP.DaveMlsWelcome:
          return advance(message.content, (welcome) => session?.processWelcome(welcome));
      }
    },
    /** Repeats what a broken connection may have lost. */
    resumed(): void {
      if (!isReady()) recover();
      else if (proposed) sendBytes(OP.DaveMlsCommitWelcome, proposed);
    },
    /** Whether frames can be sent: encrypted, or unencrypted if the call is. */
    isReady,
    isEndToEnd: (): boolean => version > 0,
    isAlone: (): boolean => people.size === 0,
    /** @param frame Not empty; only if it is ready. */
    encrypt: (frame: Uint8Array): Uint8Array =>
      version === 0 || !session ? frame : session.encryptOpus(Buffer.from(frame)),
    /** Decrypts a person's frame; `undefined` if the group does not have them. */
    decrypt(from: UserId, frame: Uint8Array): Uint8Array | undefined {
      if (frame.length === SILENCE.length && frame.every((byte, i) => byte === SILENCE[i])) {
        return frame;
      }
      if (!session) return version === 0 ? frame : undefined;
      try {
        const opened = session.decrypt(from, 0, Buffer.from(frame));
        unreadable = 0;
        return opened;
      } catch {
        unreadable++;
        if (unreadable >= tolerance && session.ready && version > 0) {
          tolerance *= 2; // one person who sends noise must not change the keys of all each second
          recover();
        }
        return undefined;
      }
    },
    /** Checks how long the group takes. */
    tick(nowMs: number): void {
      if (isReady() || people.size === 0) return void (pendingMs = undefined);
      pendingMs ??= nowMs;
      if (nowMs - pendingMs < GROUP_MS) return;
      tries++;
      if (tries < MAX_TRIES) recover();
      else failed();
    },
  };
}

export type Dave = ReturnType<typeof createDave>;
