import test from 'ava';
import { idleBoardMemory, openIdleBoard, reclaimIdleBoard } from './idle-board.ts';

test('the thread with the oldest idle connection is found, whoever asks', (t) => {
  const memory = idleBoardMemory(3);
  const boards = [0, 1, 2].map((worker) => openIdleBoard(memory, worker));
  t.is(boards[0]?.holder(1000), null);

  boards[0]?.post(500);
  boards[2]?.post(400);
  t.deepEqual(
    boards.map((board) => board.holder(1000)),
    [2, 2, 2],
  );

  boards[2]?.post(null);
  t.is(boards[1]?.holder(1000), 0);
});

test('the wrap of the counter changes nothing', (t) => {
  const memory = idleBoardMemory(2);
  const wrap = 2 ** 32 * 400;
  openIdleBoard(memory, 0).post(wrap - 5);
  openIdleBoard(memory, 1).post(wrap + 5);

  t.is(openIdleBoard(memory, 1).holder(wrap + 10), 0);
});

test('a thread that died has no idle connections', (t) => {
  const memory = idleBoardMemory(2);
  openIdleBoard(memory, 0).post(1);

  reclaimIdleBoard(memory, 0);

  t.is(openIdleBoard(memory, 1).holder(10), null);
});
