/** Lists the parts of `barnacle doctor`, as `--only` names them. */

export const DOCTOR_PARTS = ["discord", "host", "mcp", "model"] as const;

export type DoctorPart = (typeof DOCTOR_PARTS)[number];
