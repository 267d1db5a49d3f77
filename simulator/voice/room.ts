/** One voice channel on a voice server: who is in it, who hears whom, and its encryption. */

import type { ChannelId, UserId } from "../../src/core/discord/ids.ts";
import type { Group } from "./group.ts";
import type { Media } from "./packets.ts";
import type { Participant } from "./participant.ts";

export interface Room {
  readonly channelId: ChannelId;
  /** Absent without end-to-end encryption. */
  readonly group: Group | undefined;
  readonly participants: ReadonlyMap<UserId, Participant>;
  /** Tells a newcomer and the others of each other. */
  connect(participant: Participant): void;
  /** A participant has left for good. */
  leave(userId: UserId): void;
  speaking(from: Participant, flags: number): void;
  /** Forwards a packet to everyone else who may hear it. */
  relay(from: Participant, media: Media): void;
}

export interface RoomDeps {
  readonly channelId: ChannelId;
  readonly group: Group | undefined;
  maySpeak(userId: UserId): boolean;
  mayHear(userId: UserId): boolean;
}

export function createRoom({ channelId, group, maySpeak, mayHear }: RoomDeps): Room {
  const participants = new Map<UserId, Participant>();
  const others = (userId: UserId) =>
    [...participants.values()].filter((other) => other.userId !== userId);
  return {
    channelId,
    group,
    participants,
    connect(participant) {
      const { userId } = participant;
      participants.set(userId, participant);
      const present = others(userId);
      if (present.length > 0) {
        participant.tell(11, { user_ids: present.map((other) => other.userId) });
      }
      for (const other of present) {
        other.tell(11, { user_ids: [userId] });
        other.tell(18, { user_id: userId, flags: 2 }); // both undocumented, and sent by Discord
        other.tell(20, { user_id: userId, platform: 0 });
      }
    },
    leave(userId) {
      if (!participants.delete(userId)) return;
      for (const other of participants.values()) other.tell(13, { user_id: userId });
      group?.leave(userId);
    },
    speaking({ userId, ssrc }, flags) {
      for (const other of others(userId)) {
        other.tell(5, { user_id: userId, ssrc, speaking: flags });
      }
    },
    relay({ userId }, media) {
      if (!maySpeak(userId)) return;
      for (const other of others(userId)) if (mayHear(other.userId)) other.hear(userId, media);
    },
  };
}
