"""check_deposit and request_payout as one would write them with FastAPI and SQLAlchemy: one synced transaction per request.

Settings: DATABASE (a file), SITE, SALT, and SEED_PLAYERS funded players for a measurement. What it leaves out: ../README.md.
"""

import hashlib
import hmac
import json
import os
import time
import uuid
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, create_engine, event, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

SITE = int(os.environ.get("SITE", "332"))
SALT = os.environ["SALT"]


class Base(DeclarativeBase):
    pass


class Player(Base):
    __tablename__ = "players"
    __table_args__ = (UniqueConstraint("site_id", "login"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int]
    login: Mapped[str]


class Balance(Base):
    __tablename__ = "balances"
    __table_args__ = (CheckConstraint("available >= 0"), CheckConstraint("held >= 0"))
    player_id: Mapped[int] = mapped_column(ForeignKey("players.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    available: Mapped[int]
    held: Mapped[int]


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"
    site_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    external_id: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    external_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    player_id: Mapped[int] = mapped_column(ForeignKey("players.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    details: Mapped[str]
    created_at: Mapped[int]


class JournalEntry(Base):
    __tablename__ = "journal_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    external_id: Mapped[str]
    created_at: Mapped[int]


class Posting(Base):
    __tablename__ = "postings"
    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("journal_entries.id"))
    account: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    payload: Mapped[str]
    created_at: Mapped[int]


engine = create_engine(
    f"sqlite:///{os.environ.get('DATABASE', 'fastapi.db')}",
    pool_size=int(os.environ.get("POOL", "5")),
    max_overflow=0,
    connect_args={"timeout": 60},
)


@event.listens_for(engine, "connect")
def on_connect(connection, _record):
    # As SQLAlchemy's documentation says: the driver begins nothing by itself, so that on_begin can take the write lock first.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


@event.listens_for(engine, "begin")
def on_begin(connection):
    connection.exec_driver_sql("BEGIN IMMEDIATE")


new_session = sessionmaker(engine)


def seed(players: int) -> None:
    Base.metadata.create_all(engine)
    with new_session.begin() as session:
        if players == 0 or session.scalar(select(Player.id).limit(1)) is not None:
            return
        for number in range(players):
            session.add(Player(id=number + 1, site_id=SITE, login=f"player{number}"))
        session.flush()
        for number in range(players):
            session.add(Balance(player_id=number + 1, currency="USD", available=900_000_000_000_000, held=0))


seed(int(os.environ.get("SEED_PLAYERS", "0")))
app = FastAPI()


async def fields_of(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Fields = Annotated[dict[str, str], Depends(fields_of)]


def refused(code: int, why: str) -> dict:
    return {"code": code, "error_description": why}


def is_signed(fields: dict[str, str]) -> bool:
    """The parameters in the order of their names, `name:value;` each, then the salt."""
    names = sorted(name for name, value in fields.items() if name != "signature" and value.strip())
    text = "".join(f"{name.lower()}:{fields[name]};" for name in names) + SALT
    return hmac.compare_digest(hashlib.sha1(text.encode()).hexdigest(), fields.get("signature", ""))


def decide(session: Session, fields: dict[str, str]) -> dict:
    """Answers a question once per transaction_id; everything it writes is one transaction."""
    key, currency, amount = fields["transaction_id"], fields["currency"], int(fields["amount"])
    details = json.dumps({name: value for name, value in fields.items() if name != "signature"})
    fingerprint = hashlib.sha256(details.encode()).hexdigest()
    accepted = 0 if fields["action"] == "check_deposit" else 50
    first = session.get(IdempotencyKey, (SITE, key))
    if first is not None:
        if first.fingerprint != fingerprint:
            return refused(500, "transaction_id was used with other parameters")
        return {"code": accepted, "external_id": first.external_id}
    player = session.scalar(select(Player.id).where(Player.site_id == SITE, Player.login == fields["site_login"]))
    if player is None:
        return refused(500, "User not found")

    external_id, now = str(uuid.uuid4()), time.time_ns() // 1_000_000
    if accepted == 50:
        held = session.execute(
            update(Balance)
            .where(Balance.player_id == player, Balance.currency == currency, Balance.available >= amount)
            .values(available=Balance.available - amount, held=Balance.held + amount)
            .execution_options(synchronize_session=False)
        )
        if held.rowcount == 0:
            return refused(402, "Insufficient funds")
        entry = JournalEntry(kind="hold", external_id=external_id, created_at=now)
        session.add(entry)
        session.flush()
        session.add_all(
            Posting(entry_id=entry.id, account=f"player:{player}:{side}", currency=currency, amount=sign * amount)
            for side, sign in (("available", -1), ("held", 1))
        )
    kind, status, told = (
        ("payout", "awaiting_approval", "payout.held") if accepted == 50 else ("deposit", "created", "deposit.created")
    )
    event_text = {"external_id": external_id, "amount": amount, "currency": currency, "site_login": fields["site_login"]}
    session.add_all([
        Order(external_id=external_id, kind=kind, player_id=player, amount=amount, currency=currency, status=status,
              details=details, created_at=now),
        IdempotencyKey(site_id=SITE, key=key, fingerprint=fingerprint, external_id=external_id),
        Outbox(type=told, payload=json.dumps(event_text), created_at=now),
    ])
    return {"code": accepted, "external_id": external_id}


@app.post("/cashier/callback/carouseller")
def callback(fields: Fields) -> dict:
    if not is_signed(fields):
        return refused(500, "Invalid signature")
    if fields.get("site_id") != str(SITE):
        return refused(500, "Unknown site")
    if fields.get("action") not in ("check_deposit", "request_payout"):
        return refused(500, "Unknown action")
    if not fields.get("amount", "").isdecimal() or not 0 < int(fields["amount"]) < 10**15:
        return refused(500, "Invalid amount")
    if not fields.get("transaction_id"):
        return refused(500, "Missing parameter transaction_id")
    # Not a dependency that yields the session: the commit must come before the answer, and a connection that is held until the answer
    # is written waits for a thread while all threads wait for a connection.
    with new_session.begin() as session:
        return decide(session, fields)
