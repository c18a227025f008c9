//! One schema for every database; `seals`, `unsealed_…`, `lanes` and `turns` are on PostgreSQL only. Kept in step with the
//! migrations by a test that reads every column.
#![expect(missing_docs, reason = "columns are explained in the migrations")]

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    players (id) {
        id -> BigInt,
        site_id -> BigInt,
        login -> Text,
        status -> Text,
        deposit_allowed -> Bool,
        withdrawal_allowed -> Bool,
        country -> Nullable<Text>,
        profile -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        excluded_until -> Nullable<BigInt>,
        limited -> Bool,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        code -> Text,
        kind -> Text,
        player_id -> Nullable<BigInt>,
        currency -> Text,
        available -> BigInt,
        held -> BigInt,
        may_go_negative -> Bool,
    }
}

diesel::table! {
    journal_entries (id) {
        id -> BigInt,
        kind -> Text,
        cause -> Text,
        player_id -> BigInt,
        currency -> Text,
        amount -> BigInt,
        debit_account -> BigInt,
        debit_held -> Bool,
        credit_account -> BigInt,
        credit_held -> Bool,
        at -> BigInt,
    }
}

diesel::table! {
    /// The same rows with the hash that they carry on SQLite; on PostgreSQL it is in `seals`.
    #[sql_name = "journal_entries"]
    chained_entries (id) {
        id -> BigInt,
        kind -> Text,
        cause -> Text,
        player_id -> BigInt,
        currency -> Text,
        amount -> BigInt,
        debit_account -> BigInt,
        debit_held -> Bool,
        credit_account -> BigInt,
        credit_held -> Bool,
        at -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    seals (number) {
        number -> BigInt,
        entry_id -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    unsealed_entries (entry_id) {
        entry_id -> BigInt,
    }
}

diesel::table! {
    /// A view on both databases: entries in the order of the chain.
    sealed_entries (number) {
        number -> BigInt,
        id -> BigInt,
        kind -> Text,
        cause -> Text,
        player_id -> BigInt,
        currency -> Text,
        amount -> BigInt,
        debit_account -> BigInt,
        debit_held -> Bool,
        credit_account -> BigInt,
        credit_held -> Bool,
        at -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    question_keys (provider, site_id, key) {
        provider -> Text,
        site_id -> BigInt,
        key -> Text,
        fingerprint -> Binary,
        external_id -> Text,
        asked_at -> BigInt,
    }
}

diesel::table! {
    deposits (external_id) {
        external_id -> Text,
        provider -> Text,
        site_id -> BigInt,
        player_id -> BigInt,
        amount -> BigInt,
        currency -> Text,
        status -> BigInt,
        transaction_id -> Nullable<Text>,
        details -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    payouts (external_id) {
        external_id -> Text,
        provider -> Text,
        site_id -> BigInt,
        player_id -> BigInt,
        amount -> BigInt,
        currency -> Text,
        status -> BigInt,
        stage -> Text,
        purse -> Nullable<Text>,
        transaction_id -> Nullable<Text>,
        details -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    outbox (external_id) {
        external_id -> Text,
        due_at -> BigInt,
        attempts -> BigInt,
        claimed -> Bool,
    }
}

diesel::table! {
    payout_attempts (external_id, number) {
        external_id -> Text,
        number -> BigInt,
        body -> Binary,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        note -> Text,
        owner -> Text,
    }
}

diesel::table! {
    transitions (external_id, number) {
        external_id -> Text,
        number -> BigInt,
        from_status -> BigInt,
        to_status -> BigInt,
        from_stage -> Nullable<Text>,
        to_stage -> Nullable<Text>,
        cause -> Text,
        actor -> Text,
        reason -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    webhooks (id) {
        id -> BigInt,
        provider -> Text,
        site_id -> BigInt,
        digest -> Binary,
        external_id -> Text,
        signed -> Bool,
        news -> Text,
        codes -> Text,
        verdict -> Text,
        content -> Text,
        received_at -> BigInt,
    }
}

diesel::table! {
    reviews (id) {
        id -> BigInt,
        kind -> Text,
        site_id -> BigInt,
        external_id -> Nullable<Text>,
        webhook_id -> Nullable<BigInt>,
        note -> Text,
        opened_at -> BigInt,
        closed_at -> Nullable<BigInt>,
        closed_by -> Nullable<Text>,
        close_reason -> Nullable<Text>,
    }
}

diesel::table! {
    wallet_transactions (id) {
        id -> Text,
        site_id -> BigInt,
        key -> Text,
        player_id -> BigInt,
        kind -> Text,
        amount -> BigInt,
        currency -> Text,
        reference -> Text,
        reason -> Nullable<Text>,
        fingerprint -> Binary,
        available -> BigInt,
        held -> BigInt,
        voided -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    rollbacks (player_id, reference) {
        player_id -> BigInt,
        reference -> Text,
        applied -> Bool,
        answer -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    staff (id) {
        id -> BigInt,
        name -> Text,
        role -> Text,
        password_hash -> Text,
        disabled -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    staff_tokens (digest) {
        digest -> Binary,
        staff_id -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    approvals (id) {
        id -> BigInt,
        subject -> Text,
        act -> Text,
        actor -> Text,
        reason -> Text,
        spent -> Bool,
        at -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> BigInt,
        actor -> Text,
        act -> Text,
        subject -> Text,
        detail -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    events (id) {
        id -> BigInt,
        token -> Text,
        kind -> Text,
        site_id -> BigInt,
        player_id -> Nullable<BigInt>,
        external_id -> Nullable<Text>,
        status -> Nullable<BigInt>,
        stage -> Nullable<Text>,
        amount -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        reason -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    /// PostgreSQL only: as `events`, before they have their number in it.
    unsealed_events (id) {
        id -> BigInt,
        token -> Text,
        kind -> Text,
        site_id -> BigInt,
        player_id -> Nullable<BigInt>,
        external_id -> Nullable<Text>,
        status -> Nullable<BigInt>,
        stage -> Nullable<Text>,
        amount -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        reason -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    event_endpoint (id) {
        id -> BigInt,
        position -> BigInt,
        failures -> BigInt,
        failing_since -> Nullable<BigInt>,
        next_try_at -> BigInt,
        paused_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    event_queue (event_id) {
        event_id -> BigInt,
        player -> BigInt,
        refusals -> BigInt,
        queued_at -> BigInt,
        dead -> Bool,
    }
}

diesel::table! {
    event_turns (player) {
        player -> BigInt,
        due_at -> BigInt,
    }
}

diesel::table! {
    event_attempts (id) {
        id -> BigInt,
        event_id -> BigInt,
        started_at -> BigInt,
        took_micros -> BigInt,
        outcome -> Text,
        http_status -> Nullable<BigInt>,
        answer -> Text,
    }
}

diesel::table! {
    player_limits (player_id, currency, period) {
        player_id -> BigInt,
        currency -> Text,
        period -> Text,
        amount -> Nullable<BigInt>,
        next_amount -> Nullable<BigInt>,
        next_at -> Nullable<BigInt>,
        updated_at -> BigInt,
    }
}

diesel::table! {
    protection_log (id) {
        id -> BigInt,
        player_id -> BigInt,
        act -> Text,
        detail -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    method_overrides (player_id, method, currency) {
        player_id -> BigInt,
        method -> Text,
        currency -> Text,
        allow -> Bool,
        min_amount -> Nullable<BigInt>,
        max_amount -> Nullable<BigInt>,
        reason -> Text,
        expires_at -> Nullable<BigInt>,
        updated_at -> BigInt,
    }
}

diesel::table! {
    cashier_requests (external_id) {
        external_id -> Text,
        player_id -> BigInt,
        direction -> Text,
        idempotency_key -> Nullable<Text>,
        fingerprint -> Binary,
        method -> Text,
        comment -> Text,
        metadata -> Text,
        redirect_url -> Nullable<Text>,
        failure_reason -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    deposit_intents (player_id, external_id) {
        player_id -> BigInt,
        external_id -> Text,
        provider -> Text,
        amount -> BigInt,
        currency -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        owner -> Text,
        until -> BigInt,
    }
}

diesel::table! {
    lanes (id) {
        id -> Text,
        batch -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    turns (name) {
        name -> Text,
    }
}

diesel::table! {
    order_facts (external_id) {
        external_id -> Text,
        facts -> Text,
    }
}

diesel::table! {
    order_secrets (external_id, name) {
        external_id -> Text,
        name -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    inquiries (external_id) {
        external_id -> Text,
        provider -> Text,
        site_id -> BigInt,
        since -> BigInt,
        due_at -> BigInt,
        asked -> BigInt,
        last_asked_at -> Nullable<BigInt>,
        last_answer -> Text,
        about -> Nullable<Text>,
        alarmed -> Bool,
    }
}

diesel::joinable!(payouts -> players (player_id));
diesel::joinable!(deposits -> players (player_id));
diesel::joinable!(staff_tokens -> staff (staff_id));
diesel::joinable!(outbox -> payouts (external_id));
diesel::joinable!(events -> players (player_id));
diesel::joinable!(player_limits -> players (player_id));
diesel::joinable!(protection_log -> players (player_id));

diesel::allow_tables_to_appear_in_same_query!(
    meta,
    players,
    accounts,
    journal_entries,
    chained_entries,
    seals,
    unsealed_entries,
    sealed_entries,
    question_keys,
    deposits,
    payouts,
    outbox,
    payout_attempts,
    transitions,
    webhooks,
    reviews,
    wallet_transactions,
    rollbacks,
    staff,
    staff_tokens,
    approvals,
    audit,
    events,
    unsealed_events,
    event_endpoint,
    event_queue,
    event_turns,
    event_attempts,
    player_limits,
    protection_log,
    method_overrides,
    cashier_requests,
    deposit_intents,
    leases,
    lanes,
    turns,
    order_facts,
    order_secrets,
    inquiries,
);
