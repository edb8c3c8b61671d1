import { createSubjects } from '../../contracts/subjects.ts';
import { openSqliteEventLog } from '../../event-log/sqlite-event-log.ts';
import { keyOf, makeEvent, pool } from './events.ts';

/** A process that opens the log it is given, appends once, says so, and keeps it until it is killed. */
const [file = ''] = process.argv.slice(2);
const subjects = createSubjects();
const log = await openSqliteEventLog({ file, subjects });
const leader = await log.lead('holder');
const event = makeEvent('written before the kill');
await leader.append([{ subject: subjects.config(pool, keyOf('a')), event }]);
process.send?.('written');
