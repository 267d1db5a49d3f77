/** Faults of the simulated voice servers; a test may change the fields at any time. */

import { type Mode, MODES } from "./packets.ts";

export function createVoiceSwitches(isEndToEnd: boolean) {
  return {
    /** Percent of the voice packets that are lost, each way. */
    lossPercent: 0,
    /** Percent of the voice packets to clients that come 50 ms late, and so out of order. */
    latePercent: 0,
    /** Whether no UDP passes, IP discovery included. */
    dropsUdp: false,
    /** Whether RESUME finds no session: close code 4006. */
    forgetsSessions: false,
    /** Transport encryptions that READY offers. */
    modes: MODES as readonly Mode[],
    /** Whether channels other than stages need end-to-end encryption. */
    isEndToEnd,
  };
}

export type VoiceSwitches = ReturnType<typeof createVoiceSwitches>;
