import type { Socket } from 'node:net';

/** Of this machine, and no other test listens there: ports of 127.0.0.1 that nobody has, somebody soon may. */
export const aloneAddress = '127.0.0.5';

/** Where nobody listens. */
export const nobody = { authority: `${aloneAddress}:1` };

/** What a mirror may do with a connection instead of answering as it should. */
export type Misbehaviour = (socket: Socket) => void;

/** Does something when a request has begun to come. */
const asked =
  (act: (socket: Socket) => void): Misbehaviour =>
  (socket) => {
    socket.once('data', () => act(socket));
    socket.on('end', () => socket.end());
  };

const saying = (text: string | Buffer): Misbehaviour =>
  asked((socket) => void socket.write(text, 'latin1'));

/** Writes for as long as somebody reads. */
function writeForEver(socket: Socket, piece: string): void {
  const write = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', write);
  write();
}

const head = (...fields: readonly string[]) => `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`;
const kilobyte = 'x'.repeat(1024);

/** Takes everything and never says anything. */
export const silent: Misbehaviour = (socket) => void socket.resume();

/** Reads a kilobyte a second. */
export const reluctant: Misbehaviour = (socket) => {
  socket.on('readable', () => undefined); // without it nothing is read ahead, and nothing reported
  const timer = setInterval(() => socket.read(1024), 1000);
  socket.on('close', () => clearInterval(timer));
};

export type OddAnswer = {
  readonly title: string;
  readonly behave: Misbehaviour;
  /** How the route counts it. */
  readonly outcome: string;
  /** Whether the connection may be used again. */
  readonly kept: boolean;
};

const odd = (title: string, outcome: string, behave: Misbehaviour, kept = false): OddAnswer => ({
  title,
  behave,
  outcome,
  kept,
});

export const oddAnswers: readonly OddAnswer[] = [
  odd('a 500', 'answered', saying('HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno'), true),
  odd('a 503', 'answered', saying('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'), true),
  odd(
    'several 1xx before the final one',
    'answered',
    saying(
      [
        'HTTP/1.1 102 Processing\r\n\r\n',
        'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
        'HTTP/1.1 204 No Content\r\n\r\n',
      ].join(''),
    ),
    true,
  ),
  odd(
    'ten gigabytes',
    'answered',
    asked((socket) => {
      socket.write(head('Content-Length: 10000000000'));
      writeForEver(socket, kilobyte.repeat(64));
    }),
  ),
  odd(
    'a body without end',
    'answered',
    asked((socket) => {
      socket.write(head('Transfer-Encoding: chunked'));
      writeForEver(socket, `400\r\n${kilobyte}\r\n`.repeat(64));
    }),
  ),
  odd(
    'a head without end',
    'http_response_header_section_size',
    asked((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      writeForEver(socket, `X-More: ${kilobyte}\r\n`);
    }),
  ),
  odd('what is not HTTP', 'http_protocol_error', saying(Buffer.from([0x16, 3, 1, 0, 2, 2, 70]))),
  odd('a bad chunk', 'http_protocol_error', saying(`${head('Transfer-Encoding: chunked')}zz\r\n`)),
  odd(
    'another protocol, unasked',
    'http_protocol_error',
    saying('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  ),
  odd(
    'half an answer, then its end',
    'http_response_incomplete',
    asked((socket) => void socket.end(`${head('Content-Length: 100')}half`)),
  ),
  odd(
    'half an answer, then a reset',
    'http_response_incomplete',
    asked((socket) => {
      socket.write(`${head('Content-Length: 100')}half`, () => socket.resetAndDestroy());
    }),
  ),
  odd(
    'its end, without an answer',
    'connection_terminated',
    asked((socket) => void socket.end()),
  ),
  odd(
    'a reset, without an answer',
    'connection_terminated',
    asked((socket) => void socket.resetAndDestroy()),
  ),
];
