import type { Admin } from "kafkajs";
import type { Log } from "../log.ts";
import { connectTo, type KafkaConnection } from "./connection.ts";

/** Asks the brokers about themselves, or tells them what to be; the connection ends with the work. */
export async function withAdmin<T>(
  connection: KafkaConnection,
  log: Log,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = connectTo(connection, log).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
