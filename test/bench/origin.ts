import { createServer } from 'node:http';

/**
 * `node origin.ts [BODY]`, an origin in a process of its own: takes every body, answers 200 with
 * BODY, ten bytes if it is not given. Prints its port, and for whatever it reads how many requests it has had.
 */
const body = process.argv[2] ?? '0123456789';
let received = 0;
const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
  received += 1;
  request.resume();
  request.once('end', () => {
    response.writeHead(200, { 'content-length': String(body.length) });
    response.end(body);
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});
process.stdin.on('data', () => process.stdout.write(`${received}\n`));
// Whoever started it is gone, however that came.
process.stdin.on('end', () => process.exit());
