import { expect, test } from "vitest";
import { MailQueue } from "../../runtime/core/mail-queue.ts";

test.each([
  ["messages", 257, 1, 128],
  ["bytes", 9, 1_000_000, 5],
])("a queue full of %s pauses its consumer, once, and resumes it below half", (_what, count, bytes, half) => {
  const queue = new MailQueue(0);
  for (let sequence = 1; sequence < count; sequence++) {
    queue.push(sequence, new Uint8Array(bytes));
    expect(queue.flow()).toBeNull();
  }
  queue.push(count, new Uint8Array(bytes));
  expect([queue.flow(), queue.flow()]).toEqual(["pause", null]);
  while (queue.length >= half + 1) {
    queue.shift();
    if (queue.length >= half) expect(queue.flow(), `${queue.length} left`).toBeNull();
  }
  queue.shift();
  expect([queue.flow(), queue.flow()]).toEqual(["resume", null]);
});
