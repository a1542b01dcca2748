// Totals of every contest, source and district from tallies, by Kafka Streams:
// java -cp CLASSES:'LIB/*' Totals SERVERS TALLIES OUT APPLICATION processor|dsl exactly_once_v2|at_least_once
// A box counts with its newest revision. Written as one would for production: state in memory, with a changelog.

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public class Totals {
    static final JsonFactory JSON = new JsonFactory();
    static final Serde<String> NAME = Serdes.String();
    static final Serde<byte[]> RAW = Serdes.ByteArray();
    static final String BOXES = "boxes";
    static final Duration TICK = Duration.ofMillis(100);

    /** One tally: what is needed of it. */
    static final class Tally {
        String contest, source, district;
        int box, revision;
        final Map<String, Long> votes = new HashMap<>();

        static Tally of(byte[] value) {
            Tally tally = new Tally();
            try (JsonParser parser = JSON.createParser(value)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    switch (name) {
                        case "contest" -> tally.contest = parser.getText();
                        case "source" -> tally.source = parser.getText();
                        case "district" -> tally.district = parser.getText();
                        case "box" -> tally.box = parser.getIntValue();
                        case "revision" -> tally.revision = parser.getIntValue();
                        case "votes" -> {
                            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                                String candidate = parser.currentName();
                                parser.nextToken();
                                tally.votes.put(candidate, parser.getLongValue());
                            }
                        }
                        default -> parser.skipChildren();
                    }
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return tally;
        }

        String cell() {
            return contest + "|" + source + "|" + district;
        }

        String key() {
            return cell() + "|" + box;
        }
    }

    static byte[] encoded(Map<String, Long> votes) {
        StringBuilder text = new StringBuilder("{");
        new TreeMap<>(votes).forEach((candidate, count) ->
            text.append(text.length() > 1 ? "," : "").append('"').append(candidate).append("\":").append(count));
        return text.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }

    static void add(Map<String, Long> votes, Map<String, Long> more, int sign) {
        more.forEach((candidate, count) -> votes.merge(candidate, sign * count, Long::sum));
    }

    /** Boxes in a store, sums beside it: they follow from the boxes, so a start adds them up again. */
    static final class Adding implements Processor<String, byte[], String, byte[]> {
        private final Map<String, Map<String, Long>> sums = new HashMap<>();
        private final Set<String> changed = new HashSet<>();
        private KeyValueStore<String, byte[]> boxes;
        private ProcessorContext<String, byte[]> context;

        @Override
        public void init(ProcessorContext<String, byte[]> given) {
            context = given;
            boxes = given.getStateStore(BOXES);
            try (KeyValueIterator<String, byte[]> all = boxes.all()) {
                all.forEachRemaining(one -> count(Tally.of(one.value), 1));
            }
            given.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::publish);
        }

        @Override
        public void process(Record<String, byte[]> record) {
            Tally tally = Tally.of(record.value());
            byte[] known = boxes.get(tally.key());
            if (known != null) {
                Tally before = Tally.of(known);
                if (before.revision >= tally.revision) return;
                count(before, -1);
            }
            boxes.put(tally.key(), record.value());
            count(tally, 1);
        }

        private void count(Tally tally, int sign) {
            add(sums.computeIfAbsent(tally.cell(), name -> new HashMap<>()), tally.votes, sign);
            changed.add(tally.cell());
        }

        private void publish(long now) {
            changed.forEach(cell -> context.forward(new Record<>(cell, encoded(sums.get(cell)), now)));
            changed.clear();
        }
    }

    static Topology processor(String tallies, String out) {
        return new Topology()
            .addSource("in", NAME.deserializer(), RAW.deserializer(), tallies)
            .addProcessor("adding", Adding::new, "in")
            .addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(BOXES), NAME, RAW), "adding")
            .addSink("out", out, NAME.serializer(), RAW.serializer(), "adding");
    }

    static Topology dsl(String tallies, String out) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(tallies, Consumed.with(NAME, RAW))
            .selectKey((district, value) -> Tally.of(value).key())
            .groupByKey(Grouped.with(NAME, RAW))
            .reduce(
                (known, value) -> Tally.of(value).revision > Tally.of(known).revision ? value : known,
                Materialized.<String, byte[]>as(Stores.inMemoryKeyValueStore(BOXES)).withKeySerde(NAME).withValueSerde(RAW))
            .groupBy((box, value) -> KeyValue.pair(Tally.of(value).cell(), value), Grouped.with(NAME, RAW))
            .aggregate(
                () -> "{}".getBytes(StandardCharsets.UTF_8),
                (cell, value, sum) -> changed(sum, value, 1),
                (cell, value, sum) -> changed(sum, value, -1),
                Materialized.<String, byte[]>as(Stores.inMemoryKeyValueStore("sums")).withKeySerde(NAME).withValueSerde(RAW))
            .toStream()
            .to(out, Produced.with(NAME, RAW));
        return builder.build();
    }

    static byte[] changed(byte[] sum, byte[] tally, int sign) {
        Map<String, Long> votes = new HashMap<>();
        try (JsonParser parser = JSON.createParser(sum)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String candidate = parser.currentName();
                parser.nextToken();
                votes.put(candidate, parser.getLongValue());
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        add(votes, Tally.of(tally).votes, sign);
        return encoded(votes);
    }

    public static void main(String[] given) throws InterruptedException {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given[3]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, given[5]);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir") + "/" + given[3]);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        settings.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6_000);
        Topology topology = given[4].equals("dsl") ? dsl(given[1], given[2]) : processor(given[1], given[2]);
        KafkaStreams streams = new KafkaStreams(topology, settings);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofSeconds(30));
            ended.countDown();
        }));
        streams.start();
        ended.await();
    }
}
