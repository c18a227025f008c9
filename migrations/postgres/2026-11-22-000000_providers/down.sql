DROP TABLE inquiries;
DROP TABLE order_secrets;
DROP TABLE order_facts;
